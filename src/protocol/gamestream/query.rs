//! Values out of a query string that somebody else has percent-decoded.
//!
//! Parameter names count whatever their case, the first of equal ones wins, and
//! unknown ones are ignored: forks of the client add their own.

/// Name and value pairs.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(&'a [(String, String)]);

impl<'a> Query<'a> {
    /// Over decoded pairs.
    #[must_use]
    pub const fn new(pairs: &'a [(String, String)]) -> Self {
        Self(pairs)
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whatever_their_case_and_the_first_wins() {
        let pairs = [("AppID".to_owned(), "1".to_owned()), ("appid".to_owned(), "2".to_owned())];
        assert_eq!(Query::new(&pairs).get("appId"), Some("1"));
        assert_eq!(Query::new(&pairs).get("mode"), None);
    }
}
