//! A host's documents, as far as a client needs them.
//!
//! Clients look elements up by name anywhere in the text and take the first
//! (moonlight-qt `nvhttp.cpp`, `getXmlString`), so this is no XML parser but
//! the same search. For the load generator.

/// A document with status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    text: &'a str,
}

/// Why a document is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No `root` element with a `status_code`: not a GameStream host.
    #[error("the answer is no GameStream document: {start:?}")]
    Foreign {
        /// How it begins.
        start: String,
    },
    /// The host says no.
    #[error("the host refuses: {message} (status {status})")]
    Refused {
        /// Its status.
        status: u32,
        /// Its reason.
        message: String,
    },
    /// An element that must be there is not.
    #[error("the answer has no element {name}")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// An element is not what it should be.
    #[error("element {name} is {value:?}, expected {expected}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// Its text, shortened.
        value: String,
        /// What would have been taken.
        expected: &'static str,
    },
}

impl<'a> Answer<'a> {
    /// Reads the status of a document.
    ///
    /// # Errors
    /// [`AnswerError::Foreign`] and [`AnswerError::Refused`].
    pub fn read(text: &'a str) -> Result<Self, AnswerError> {
        let root = text.split_once("<root").and_then(|(_, after)| after.split_once('>')).map(|(root, _)| root);
        let status = root.and_then(|root| attribute(root, "status_code")).and_then(|status| status.parse::<i64>().ok());
        let (Some(root), Some(status)) = (root, status) else {
            return Err(AnswerError::Foreign { start: text.chars().take(60).collect() });
        };
        if status == 200 {
            return Ok(Self { text });
        }
        let message = unescape(attribute(root, "status_message").unwrap_or("no reason given"));
        // Other hosts send -1 for a missing sound device.
        Err(AnswerError::Refused { status: u32::try_from(status).unwrap_or(u32::MAX), message })
    }

    /// Text of the first element of this name.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<String> {
        inside(self.text, name).map(|(text, _)| unescape(text))
    }

    /// Text of an element that must be there.
    ///
    /// # Errors
    /// [`AnswerError::Missing`].
    pub fn required(&self, name: &'static str) -> Result<String, AnswerError> {
        self.element(name).ok_or(AnswerError::Missing { name })
    }

    /// Bytes that an element has as hex digits.
    ///
    /// # Errors
    /// [`AnswerError::Missing`] and [`AnswerError::Invalid`].
    pub fn bytes(&self, name: &'static str) -> Result<Vec<u8>, AnswerError> {
        let value = self.required(name)?;
        hex::decode(&value).map_err(|_| AnswerError::Invalid {
            name,
            value: value.chars().take(40).collect(),
            expected: "hex digits",
        })
    }

    /// A number that an element has.
    ///
    /// # Errors
    /// [`AnswerError::Missing`] and [`AnswerError::Invalid`].
    pub fn number(&self, name: &'static str) -> Result<u32, AnswerError> {
        let value = self.required(name)?;
        value.parse().map_err(|_| AnswerError::Invalid {
            name,
            value: value.chars().take(40).collect(),
            expected: "a number",
        })
    }

    /// Every element of this name, to look for others inside.
    pub fn blocks(&self, name: &'static str) -> impl Iterator<Item = Answer<'a>> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (text, after) = inside(rest, name)?;
            rest = after;
            Some(Answer { text })
        })
    }
}

/// What is between the first pair of tags of this name, and what follows.
fn inside<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>"))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!("{name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}

fn unescape(text: &str) -> String {
    // The ampersand last, so that nothing is unescaped twice.
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AppId;
    use crate::protocol::gamestream::answer;
    use crate::protocol::gamestream::answer::Verb;
    use crate::protocol::gamestream::app_list::{ListedApp, app_list};

    #[test]
    fn what_the_host_writes_is_read() {
        let apps = [
            ListedApp { id: AppId(7), title: "A & <B>", hdr: false },
            ListedApp { id: AppId(8), title: "", hdr: true },
        ];
        let text = app_list(&apps);
        let list = Answer::read(&text).unwrap();
        let found: Vec<_> =
            list.blocks("App").map(|app| (app.number("ID").unwrap(), app.element("AppTitle").unwrap())).collect();
        assert_eq!(found, [(7, "A & <B>".to_owned()), (8, String::new())]);
        let text = answer::launched("rtspenc://10.0.0.1:48010");
        assert_eq!(Answer::read(&text).unwrap().required("sessionUrl0").unwrap(), "rtspenc://10.0.0.1:48010");
        let text = answer::paired(Some(("plaincert", "00ff")));
        assert_eq!(Answer::read(&text).unwrap().bytes("plaincert").unwrap(), [0, 255]);
    }

    #[test]
    fn refusals_carry_their_reason() {
        let text = answer::refused(Verb::Launch, 503, "no \"encoder\" & more");
        let refused = AnswerError::Refused { status: 503, message: "no \"encoder\" & more".into() };
        assert_eq!(Answer::read(&text), Err(refused));
        let audio = "<root status_code=\"-1\" status_message=\"Invalid\"/>";
        assert!(matches!(Answer::read(audio), Err(AnswerError::Refused { status: u32::MAX, .. })));
    }

    #[test]
    fn junk_is_named() {
        for junk in ["", "<html>", "<root>", "<root status_code=\"x\">", "é<root status_code"] {
            assert!(matches!(Answer::read(junk), Err(AnswerError::Foreign { .. })), "{junk}");
        }
        let text = "<root status_code=\"200\"><a>x</a>";
        let answer = Answer::read(text).unwrap();
        assert_eq!(answer.required("b"), Err(AnswerError::Missing { name: "b" }));
        assert!(matches!(answer.bytes("a"), Err(AnswerError::Invalid { name: "a", .. })));
        assert!(matches!(answer.number("a"), Err(AnswerError::Invalid { name: "a", .. })));
    }
}
