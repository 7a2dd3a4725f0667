//! Where the files of tables are: as the catalogue has it, `s3://bucket/prefix/orders/`, and as a path of the client that
//! keeps the files. Pure.

use crate::api::s3_address::S3Address;
use crate::engines::table::StoragePath;

/// The addresses below one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places(S3Address);

impl Places {
    /// Makes them of the address of a root.
    pub(super) fn below(root: S3Address) -> Self {
        Self(root)
    }

    /// Returns the path that an address is of.
    ///
    /// # Errors
    /// In words: what is no address of S3, or is outside the root.
    pub(super) fn path(&self, address: &str) -> Result<StoragePath, String> {
        let below = self.0.path_to(address).map_err(|why| match address.split_once("://") {
            Some(("s3a" | "s3n", _)) => {
                format!("{why}; change the table's location in the catalogue to `s3://…`")
            }
            _ => why,
        })?;
        StoragePath::new(below).map_err(|wrong| format!("`{address}`: {}", wrong.reason))
    }

    /// Returns the path that an address is of, or the address where it is of none.
    pub(super) fn shown(&self, address: &str) -> String {
        self.path(address).map_or_else(|_| address.to_owned(), String::from)
    }

    /// Returns the address of a path, with a `/` behind a folder.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{}/", self.0, path.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_below_the_root_is_a_path() {
        let root = S3Address::parse("s3://lake/a b").expect("should be an address");
        let places = Places::below(root);
        let path = |address| places.path(address).map(String::from);
        assert_eq!(path("s3://lake/a b/sales/orders/"), Ok("sales/orders".to_owned()));
        assert_eq!(path("s3://lake/a b/x+ü%20=1"), Ok("x+ü%20=1".to_owned()), "keys stand as is");
        assert_eq!(places.address("sales/orders/"), "s3://lake/a b/sales/orders/");
        assert_eq!(places.shown("s3://other/x"), "s3://other/x");
        for (address, why) in [
            ("s3://lake/a b/", "is the root of the files itself"),
            ("s3://lake/a b//x", "has an empty part"),
            ("s3://lake/a bc/x", "is not below"),
            ("s3://lakes/a b/x", "is not below"),
            ("s3a://lake/a b/x", "to `s3://…`"),
            ("hdfs://lake/a b/x", "is no address of S3"),
            ("/lake/x", "is no address of S3"),
            ("s3://lake/a b/x//y", "it has an empty part"),
            ("s3://lake/a b/x/../y", "it has a `.` or `..` part"),
        ] {
            let told = places.path(address).expect_err(address);
            assert!(told.contains(why), "{address}: {told}");
        }
    }
}
