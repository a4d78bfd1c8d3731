//! The one kind of XML document that clients read.
//!
//! A `root` element with a `status_code`, which Android and Qt insist on, and
//! elements without white space inside, because only iOS trims. Clients look
//! elements up by name anywhere and take the first.

use std::fmt::Write as _;

/// A document under construction.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
}

/// Elements inside an element.
#[derive(Debug)]
pub struct Block<'a> {
    text: &'a mut String,
}

impl Document {
    /// A document with status 200.
    #[must_use]
    pub fn ok() -> Self {
        Self { text: format!("{PROLOGUE}<root status_code=\"200\">") }
    }

    /// A document that says what went wrong. Clients read it only if the HTTP
    /// status is 200.
    #[must_use]
    pub fn error(status: u32, message: &str) -> Self {
        let mut text = format!("{PROLOGUE}<root status_code=\"{status}\" status_message=\"");
        escape(message, &mut text);
        text.push_str("\">");
        Self { text }
    }

    /// Adds `<name>value</name>`.
    #[must_use]
    pub fn element(mut self, name: &str, value: &str) -> Self {
        Block { text: &mut self.text }.element(name, value);
        self
    }

    /// Adds an element of elements.
    #[must_use]
    pub fn block(mut self, name: &str, fill: impl FnOnce(&mut Block<'_>)) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "<{name}>");
        fill(&mut Block { text: &mut self.text });
        let _ = write!(self.text, "</{name}>");
        self
    }

    /// The whole document.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push_str("</root>");
        self.text
    }
}

impl Block<'_> {
    /// Adds `<name>value</name>`.
    pub fn element(&mut self, name: &str, value: &str) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "<{name}>");
        escape(value, self.text);
        let _ = write!(self.text, "</{name}>");
        self
    }
}

/// Drops what XML 1.0 cannot carry at all, and line ends with it.
fn escape(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            control if control.is_control() => {}
            other => out.push(other),
        }
    }
}

const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_carry_no_control_characters() {
        let text = Document::ok().element("a", "x<&>\"\n\0é").finish();
        assert_eq!(text, format!("{PROLOGUE}<root status_code=\"200\"><a>x&lt;&amp;&gt;&quot;é</a></root>"));
    }

    #[test]
    fn an_error_has_its_message_in_the_root() {
        let text = Document::error(503, "no \"encoder\"").element("resume", "0").finish();
        assert!(
            text.contains("<root status_code=\"503\" status_message=\"no &quot;encoder&quot;\"><resume>0</resume>")
        );
    }

    #[test]
    fn blocks_nest() {
        let text = Document::ok()
            .block("App", |app| {
                app.element("ID", "7");
            })
            .finish();
        assert!(text.ends_with("<App><ID>7</ID></App></root>"));
    }
}
