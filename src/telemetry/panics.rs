//! Panics, logged as anything else is.

use std::any::Any;

/// Most bytes of a panic's message that are reported.
const PANIC_BYTES: usize = 400;

/// Logs panics as anything else is logged, with the fields of the spans around them.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, panic = panic_text(panic.payload()), "panicked");
    }));
}

/// Returns the beginning of a panic's message.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("without a message");
    text[..text.floor_char_boundary(PANIC_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_panic_is_reported() {
        let text = "é".repeat(PANIC_BYTES);
        assert_eq!(panic_text(&text), "é".repeat(PANIC_BYTES / 2));
        assert_eq!(panic_text(&"short"), "short");
        assert_eq!(panic_text(&7), "without a message");
    }
}
