//! Who may change the store: its files become the root file systems of this user's sandboxes.

use crate::ImageError;
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::geteuid,
};
use std::path::Path;

/// Fails if another user may change what is in a folder.
pub(super) fn require_own(dir: &Path) -> Result<(), ImageError> {
    let untrusted = |problem| Err(ImageError::UntrustedStore { path: dir.display().to_string(), problem });
    let failed = || ImageError::io(format!("use the store of images {}", dir.display()));
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = match rustix::fs::open(dir, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::NOTDIR | Errno::LOOP) => return untrusted("is a symbolic link or no folder"),
        Err(error) => return Err(failed()(error.into())),
    };
    let stat = rustix::fs::fstat(&opened).map_err(|error| failed()(error.into()))?;
    if stat.st_uid != geteuid().as_raw() {
        return untrusted("belongs to another user");
    }
    if stat.st_mode & 0o022 != 0 {
        return untrusted("can be written by other users");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{ImageError, Store, UnpackLimits, load::tests::TestDir};
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, chown, symlink},
        path::Path,
    };

    fn is_refused(path: &Path) -> bool {
        let opened = Store::open(path, UnpackLimits::default(), u64::MAX);
        matches!(opened, Err(ImageError::UntrustedStore { .. }))
    }

    #[test]
    fn a_store_that_another_user_may_change_is_refused() {
        let dir = TestDir::new();
        dir.store();
        let store = dir.0.join("store");
        let link = dir.0.join("link");
        symlink(&store, &link).expect("a link");
        // The path of the store itself may be a link.
        assert!(!is_refused(&link));
        for part in ["", "blobs", "blobs/sha256", super::super::ROOTS, "tmp"] {
            let part = store.join(part);
            for mode in [0o770, 0o702] {
                fs::set_permissions(&part, Permissions::from_mode(mode)).expect("a folder");
                assert!(is_refused(&store), "{mode:o} {}", part.display());
            }
            fs::set_permissions(&part, Permissions::from_mode(0o700)).expect("a folder");
            if rustix::process::geteuid().is_root() {
                chown(&part, Some(65534), None).expect("root");
                assert!(is_refused(&store), "{}", part.display());
                chown(&part, Some(0), None).expect("root");
            }
        }
        assert!(!is_refused(&store));
        fs::rename(store.join("tmp"), dir.0.join("tmp")).expect("renamed");
        symlink(dir.0.join("tmp"), store.join("tmp")).expect("a link");
        assert!(is_refused(&store));
    }
}
