//! Which folders of a controller's machine the configs of a namespace may name.

use std::path::{Component, Path, PathBuf};

/// The folders that the administrator allows, each with a subfolder for every namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedRoots(pub Vec<PathBuf>);

impl AllowedRoots {
    /// Checks a `local.root` of a config of a namespace: it must be `<allowed>/<namespace>` or a folder
    /// below it, also after every symbolic link is followed. A folder that does not exist passes: who
    /// opens it says so.
    ///
    /// # Errors
    /// In words, with what would be allowed.
    pub fn check(&self, namespace: &str, root: &str) -> Result<(), String> {
        let root = Path::new(root);
        let below: Vec<PathBuf> = self.0.iter().map(|allowed| allowed.join(namespace)).collect();
        let plain = root.components().all(|part| !matches!(part, Component::ParentDir));
        if plain && below.iter().any(|allowed| is_below(root, allowed)) {
            return Ok(());
        }
        Err(if below.is_empty() {
            "the administrator allows no folders (`mason controller --local-root`)".to_owned()
        } else {
            let allowed = below.iter().map(|allowed| format!("`{}`", allowed.display()));
            let allowed = allowed.collect::<Vec<_>>().join(", ");
            format!(
                "`{}` is not below what namespace `{namespace}` may use: {allowed}",
                root.display()
            )
        })
    }
}

fn is_below(root: &Path, allowed: &Path) -> bool {
    root.starts_with(allowed)
        && match (root.canonicalize(), allowed.canonicalize()) {
            (Ok(root), Ok(allowed)) => root.starts_with(allowed),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_below_the_folder_of_its_namespace() {
        let roots = AllowedRoots(vec!["/data".into(), "/more".into()]);
        for root in ["/data/team", "/data/team/lake", "/data/team/../team/x", "/more/team/"] {
            let plain = !root.contains("..");
            assert_eq!(roots.check("team", root).is_ok(), plain, "{root}");
        }
        for root in ["/data", "/data/other", "/data/team2", "/", "/etc", "data/team", ""] {
            let refused = roots.check("team", root).expect_err(root);
            assert!(refused.contains("`/data/team`, `/more/team`"), "{refused}");
        }
    }

    #[test]
    fn a_link_does_not_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("data/team"), folder.path().join("outside"));
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        let roots = AllowedRoots(vec![folder.path().join("data")]);
        assert!(roots.check("team", &inside.to_string_lossy()).is_ok());
        assert!(roots.check("team", &inside.join("link").to_string_lossy()).is_err());
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let refused =
            AllowedRoots::default().check("team", "/data").expect_err("should be refused");
        assert!(refused.contains("--local-root"), "{refused}");
    }
}
