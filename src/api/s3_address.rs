//! Addresses of S3: a bucket and what the keys in it begin with.

use std::fmt;

/// `s3://bucket/prefix/`, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S3Address {
    bucket: String,
    prefix: String,
}

/// Why a text is no address of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S3AddressError {
    /// It begins with something else.
    #[error("it does not begin with `s3://`")]
    Scheme,
    /// The name of the bucket is none.
    #[error(
        "the name of a bucket has 3 to 63 lower-case letters, digits, `-` and `.`, and begins and ends with a letter \
         or digit"
    )]
    Bucket,
    /// The prefix has a part that no key can be told by.
    #[error("its prefix has an empty part, a `.` or `..` part, or a control character")]
    Prefix,
    /// It is longer than any key.
    #[error("it is longer than 1024 bytes")]
    Length,
}

impl S3Address {
    /// Most bytes of a key, and so of an address.
    const MOST_BYTES: usize = 1024;

    /// Reads an address. Whether it ends with `/` makes no difference.
    ///
    /// # Errors
    /// Says what is wrong with it.
    ///
    /// # Source
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
    pub fn parse(text: &str) -> Result<Self, S3AddressError> {
        if text.len() > Self::MOST_BYTES {
            return Err(S3AddressError::Length);
        }
        let below = text.strip_prefix("s3://").ok_or(S3AddressError::Scheme)?;
        let (bucket, prefix) = below.split_once('/').unwrap_or((below, ""));
        if !is_bucket(bucket) {
            return Err(S3AddressError::Bucket);
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let is_part = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control)
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_part) {
            return Err(S3AddressError::Prefix);
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// Returns what follows this address in another one: the path of what it is the address of.
    ///
    /// # Errors
    /// In words: what is no address of S3, or is not below this one.
    pub fn path_to<'a>(&self, address: &'a str) -> Result<&'a str, String> {
        let Some((scheme, place)) = address.split_once("://") else {
            return Err(format!("`{address}` is no address of S3"));
        };
        if scheme != "s3" {
            return Err(format!("`{address}` is no address of S3"));
        }
        let own = self.to_string();
        let own = own.strip_prefix("s3://").unwrap_or(&own);
        if place.trim_end_matches('/') == own.trim_end_matches('/') {
            return Err(format!("`{address}` is the root of the files itself"));
        }
        match place.strip_prefix(own) {
            Some(below) if below.starts_with('/') => Err(format!("`{address}` has an empty part")),
            Some(below) => Ok(below),
            None => Err(format!("`{address}` is not below `{self}`, the root of the files")),
        }
    }

    /// Returns the name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns what keys begin with, without a `/` at its end; empty for the whole bucket.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

fn is_bucket(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_plain(*byte) || matches!(byte, b'-' | b'.'))
        && [bytes.first(), bytes.last()].into_iter().flatten().all(|byte| is_plain(*byte))
        && !name.contains("..")
}

impl fmt::Display for S3Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix } = self;
        match prefix.as_str() {
            "" => write!(formatter, "s3://{bucket}/"),
            prefix => write!(formatter, "s3://{bucket}/{prefix}/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_bucket_and_a_prefix() {
        for (text, bucket, prefix, shown) in [
            ("s3://lake", "lake", "", "s3://lake/"),
            ("s3://lake/", "lake", "", "s3://lake/"),
            ("s3://my.lake-1/a/b c=ü%/", "my.lake-1", "a/b c=ü%", "s3://my.lake-1/a/b c=ü%/"),
        ] {
            let address = S3Address::parse(text).expect(text);
            assert_eq!((address.bucket(), address.prefix()), (bucket, prefix), "{text}");
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        use S3AddressError::{Bucket, Length, Prefix, Scheme};
        let long = format!("s3://lake/{}", "a".repeat(1024));
        for (text, why) in [
            ("/data", Scheme),
            ("s3a://lake/a", Scheme),
            ("S3://lake", Scheme),
            ("s3://", Bucket),
            ("s3:///a", Bucket),
            ("s3://la", Bucket),
            ("s3://Lake/a", Bucket),
            ("s3://-lake/a", Bucket),
            ("s3://la..ke/a", Bucket),
            ("s3://lake//a", Prefix),
            ("s3://lake/a//b", Prefix),
            ("s3://lake/a/../b", Prefix),
            ("s3://lake/a\nb", Prefix),
            (&long, Length),
        ] {
            assert_eq!(S3Address::parse(text), Err(why), "{text}");
        }
    }
}
