//! A text as a QR code: one SVG path, drawn on the server.
//!
//! This module must not know what the text is.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// White around it, in modules.
const MARGIN: i32 = 4;

pub struct Drawing {
    /// Of the square, in modules.
    pub side: i32,
    /// Empty if the text is too long.
    pub path: String,
}

impl Drawing {
    pub fn of(text: &str) -> Drawing {
        let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
            return Drawing { side: 0, path: String::new() };
        };
        let mut path = String::new();
        for (y, x) in (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (y, x))) {
            if code.get_module(x, y) {
                let _ = write!(path, "M{} {}h1v1h-1z", x + MARGIN, y + MARGIN);
            }
        }
        Drawing { side: code.size() + 2 * MARGIN, path }
    }
}
