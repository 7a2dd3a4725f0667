//! Addresses of servers that configs and administrators name.

use std::net::{IpAddr, SocketAddr};

/// Returns whether a text is `http(s)://host[:port]`, perhaps with a `/` behind it, and nothing more.
#[must_use]
pub fn is_endpoint(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let host = host.strip_suffix('/').unwrap_or(host);
    let is_plain = |c: char| !matches!(c, '/' | '?' | '#' | '@') && !c.is_whitespace();
    matches!(scheme, "http" | "https") && !host.is_empty() && host.chars().all(is_plain)
}

/// Returns whether two addresses are those of one server.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Returns whether the host of a server is a number, not a name.
#[must_use]
pub fn is_number(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    let host = host.trim_end_matches('/');
    host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_and_a_host_alone() {
        for text in ["http://h", "https://h.example:9000/", "http://127.0.0.1:9000", "http://[::1]"]
        {
            assert!(is_endpoint(text), "{text}");
        }
        for text in ["", "h:9000", "ftp://h", "http://", "http://h/p", "http://u@h", "http://h?x"] {
            assert!(!is_endpoint(text), "{text}");
        }
    }

    #[test]
    fn one_server_is_told_whatever_its_case_and_end() {
        assert!(is_same("https://Minio:9000/", "https://minio:9000"));
        assert!(!is_same("http://minio:9000", "https://minio:9000"));
        assert!(!is_same("https://minio", "https://minio.evil.example"));
    }
}
