//! Box art of the apps: the operator's files, or a drawing made at start.
//!
//! Clients draw box art at 3:4 and stretch whatever they get; pictures of
//! exactly 130x180 or 628x888 they take for placeholders (protocol notes:
//! appasset; moonlight-qt `appmodel.cpp`). The drawing is a crescent on a night
//! sky in a colour of the app's own, so that two apps can be told apart.

use std::path::Path;

use hyper::body::Bytes;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use tracing::warn;

use crate::config::apps::AppConfig;
use crate::ids::AppId;

/// The picture of an app: its icon file, or a drawing.
///
/// Blocks on the disk; for start-up and changes only.
#[must_use]
pub fn picture_of(app: &AppConfig) -> Bytes {
    let Some(path) = &app.icon else { return drawn(app.id()) };
    match read_icon(path) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            warn!(app = app.title, icon = %path.display(), %error, "icon not usable, drawing one");
            drawn(app.id())
        }
    }
}

/// A drawing for an app.
#[must_use]
pub fn drawn(app: AppId) -> Bytes {
    draw(colour_of(app))
}

/// A drawing for an app that is not known.
#[must_use]
pub fn default_picture() -> Bytes {
    draw(Rgb([96, 112, 136]))
}

fn read_icon(path: &Path) -> std::io::Result<Vec<u8>> {
    let length = std::fs::metadata(path)?.len();
    if length > MAX_ICON_BYTES {
        return Err(std::io::Error::other(format!("{length} bytes, expected at most {MAX_ICON_BYTES}")));
    }
    std::fs::read(path)
}

/// A colour that stays the same for the app and is neither black nor white.
fn colour_of(app: AppId) -> Rgb {
    // Neighbouring ids must not get neighbouring colours: multiply by the
    // golden ratio of 32 bits.
    let [red, green, blue, _] = app.0.wrapping_mul(0x9e37_79b9).to_be_bytes();
    Rgb([red, green, blue].map(|part| 64 + part / 2))
}

/// An opaque colour.
#[derive(Debug, Clone, Copy)]
struct Rgb([u8; 3]);

impl Rgb {
    /// The colour at `amount` 0..=1 between black and itself.
    fn scaled(self, amount: f32) -> [u8; 3] {
        self.0.map(|part| to_byte(f32::from(part) * amount))
    }
}

/// A crescent in `colour` over a sky that darkens upwards, as PNG.
fn draw(colour: Rgb) -> Bytes {
    let pixels: Vec<u8> = (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(colour, x, y))).collect();
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
    if let Err(error) = encoder.write_image(&pixels, WIDTH, HEIGHT, ExtendedColorType::Rgb8) {
        // Memory does not fail to be written; clients show their own
        // placeholder for an empty answer.
        warn!(%error, "picture not drawn");
    }
    png.into()
}

fn pixel(colour: Rgb, x: u32, y: u32) -> [u8; 3] {
    let (x, y) = (as_float(x) + 0.5, as_float(y) + 0.5);
    let disc = coverage(x, y, 150.0, 180.0, 92.0);
    let shadow = coverage(x, y, 186.0, 160.0, 84.0);
    let sky = 0.12 + 0.25 * y / as_float(HEIGHT);
    // Earthshine: the dark part of the disc glows a little.
    let lit = disc * (1.0 - shadow);
    let glow = disc * shadow * 0.22;
    colour.scaled((sky + lit * (1.0 - sky) + glow).min(1.0))
}

/// How much of the pixel around (x, y) a circle covers, 0..=1.
fn coverage(x: f32, y: f32, centre_x: f32, centre_y: f32, radius: f32) -> f32 {
    (radius - (x - centre_x).hypot(y - centre_y) + 0.5).clamp(0.0, 1.0)
}

#[allow(clippy::cast_precision_loss, reason = "pixel positions are small")]
const fn as_float(position: u32) -> f32 {
    position as f32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a byte")]
const fn to_byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

/// 3:4, as clients draw it.
const WIDTH: u32 = 300;
const HEIGHT: u32 = 400;

/// Sent to every client that lists the apps.
const MAX_ICON_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn app(title: &str, icon: Option<&Path>) -> AppConfig {
        let mut app: AppConfig = toml::from_str(&format!("title = {title:?}")).unwrap();
        app.icon = icon.map(Into::into);
        app
    }

    #[test]
    fn drawn_pictures_are_pngs_of_their_own_colour() {
        let one = picture_of(&app("Desktop", None));
        assert_ne!(one, picture_of(&app("Test card", None)));
        assert_ne!(one, default_picture());
        let decoded = image::load_from_memory_with_format(&one, image::ImageFormat::Png).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (300, 400));
        assert!(one.len() < 64 << 10, "{} bytes", one.len());
    }

    #[test]
    fn icon_files_are_served_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let icon = dir.path().join("icon.png");
        std::fs::write(&icon, b"some picture").unwrap();
        assert_eq!(picture_of(&app("Game", Some(&icon))), b"some picture".as_slice());
    }

    #[test]
    fn missing_icons_get_a_drawing() {
        assert!(picture_of(&app("Game", Some(Path::new("/nowhere/icon.png")))).starts_with(b"\x89PNG"));
    }
}
