//! `/applist`: what can be launched. Qt rejects the whole list if one entry
//! lacks a title or a number.

use crate::ids::AppId;
use crate::protocol::gamestream::xml::Document;

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct ListedApp<'a> {
    /// Number that launch requests carry.
    pub id: AppId,
    /// Title to show.
    pub title: &'a str,
    /// The app may be streamed in HDR.
    pub hdr: bool,
}

/// The document, entries in the given order.
#[must_use]
pub fn app_list(apps: &[ListedApp<'_>]) -> String {
    let document = apps.iter().fold(Document::ok(), |document, app| {
        document.block("App", |block| {
            block
                .element("AppTitle", app.title)
                .element("ID", &app.id.to_string())
                .element("IsHdrSupported", if app.hdr { "1" } else { "0" });
        })
    });
    document.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_app_has_title_and_number() {
        let apps =
            [ListedApp { id: AppId(1), title: "A & B", hdr: false }, ListedApp { id: AppId(2), title: "", hdr: true }];
        let xml = app_list(&apps);
        let entries = "<App><AppTitle>A &amp; B</AppTitle><ID>1</ID><IsHdrSupported>0</IsHdrSupported></App>\
                       <App><AppTitle></AppTitle><ID>2</ID><IsHdrSupported>1</IsHdrSupported></App>";
        assert!(xml.ends_with(&format!("{entries}</root>")));
    }
}
