//! Amounts of memory and disk as people write them in a resource: `512Mi`, `1Gi`, `20G`.

/// What an amount must match, as used in the CRD.
pub const PATTERN: &str = "^[0-9]{1,12}(Ki|Mi|Gi|Ti|k|M|G|T)?$";

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount such as `512Mi`, `1Gi` or `20G`")]
pub struct QuantityError(String);

/// Returns how many bytes an amount is: `Ki`, `Mi`, `Gi`, `Ti` are powers of 1024, `k`, `M`, `G`, `T`
/// of 1000, and a bare number is bytes.
///
/// # Errors
/// When the text is anything else, or more than 2^64 bytes.
///
/// # Source
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    let refuse = || QuantityError(text.chars().take(40).collect());
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.len() > 12 {
        return Err(refuse());
    }
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let unit: u64 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return Err(refuse()),
    };
    number.checked_mul(unit).ok_or_else(refuse)
}

/// Returns the number that a Kubernetes quantity amounts to, `0.1` for `100m`; nothing when it is none: a number with
/// an optional suffix of 1000 (`n u m k M G T P E`), of 1024 (`Ki` to `Ei`), or an exponent.
///
/// # Source
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
#[must_use]
pub fn parse_quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let suffix = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (number, unit) =
        suffix.map_or((text, 1.0), |(suffix, unit)| (&text[..text.len() - suffix.len()], *unit));
    let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-');
    let has_exponent = suffix.is_none() && number.contains(['e', 'E']);
    if !has_exponent && !number.bytes().all(is_number) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    number.is_finite().then_some(number * unit)
}

/// Returns an amount as people write it, in the largest unit of 1024 that divides it: `1536Mi`, `1Gi`.
#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let unit =
        units.into_iter().find(|(_, power)| bytes > 0 && bytes.is_multiple_of(1_u64 << power));
    unit.map_or_else(|| bytes.to_string(), |(unit, power)| format!("{}{unit}", bytes >> power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, expect) in [
            ("100m", Some(0.1)),
            ("2", Some(2.0)),
            ("1.5Gi", Some(1_610_612_736.0)),
            ("1e3", Some(1000.0)),
            ("5E", Some(5e18)),
            ("1E3", Some(1000.0)),
            ("lots", None),
            ("1 Gi", None),
            ("1GB", None),
            ("inf", None),
            ("", None),
            ("Mi", None),
        ] {
            assert_eq!(parse_quantity(text), expect, "{text:?}");
        }
    }

    #[test]
    fn amounts_have_units_of_1000_and_1024() {
        assert_eq!(parse_bytes("64Mi"), Ok(64 * 1024 * 1024));
        assert_eq!(parse_bytes("20G"), Ok(20_000_000_000));
        assert_eq!(parse_bytes("17"), Ok(17));
        for bad in ["", "Gi", "1.5Gi", "-1", "1 Gi", "1gi", "9999999999999", "999999999999Ti"] {
            assert!(parse_bytes(bad).is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn amounts_are_shown_in_the_largest_unit_that_fits() {
        for text in ["1Gi", "1536Mi", "17", "3Ti", "0", "5Ki"] {
            assert_eq!(parse_bytes(text).map(show_bytes).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_pattern_of_the_crd_agrees_with_the_parser() {
        let pattern = regex::Regex::new(PATTERN).expect("should be a pattern");
        for text in ["64Mi", "1", "", "Gi", "1.5Gi", "1K", "1k", "0123456789012", "5T", "5Pi"] {
            assert_eq!(pattern.is_match(text), parse_bytes(text).is_ok(), "{text:?}");
        }
    }
}
