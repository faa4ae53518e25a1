//! Imports modules into a Python interpreter before there is a program. When Python starts, it executes
//! `.pth` files in the user's site-packages (<https://docs.python.org/3/library/site.html>). The hook leaves
//! no trace in the interpreter.

use crate::{
    error::{Context, Error},
    launch,
    workspace::HOME,
};
use cofferdam_protocol::Preparation;
use rustix::io::{ioctl_fionread, read};
use std::{
    ffi::OsStr,
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

const STEP: &str = "preload the modules";
/// Prints the path of the user's site-packages.
const PRINT_USER_SITE: &str =
    "import site; print(site.getusersitepackages() if site.ENABLE_USER_SITE else '', end='')";
const HOOK_FILE: &str = "preload.pth";
/// Most bytes of the interpreter's output that are part of an error.
const MAX_OUTPUT: u64 = 2000;

/// An installed hook. A Python that starts while it exists imports the modules.
#[derive(Debug)]
pub(crate) struct PreloadHook<'a> {
    modules: &'a [String],
    /// The folder in HOME that contains all files of the hook.
    folder: PathBuf,
}

impl<'a> PreloadHook<'a> {
    /// Installs the hook, if the preparation names modules.
    pub(crate) fn install(preparation: &'a Preparation) -> Result<Option<Self>, Error> {
        let modules = preparation.preload_modules.as_slice();
        if modules.is_empty() {
            return Ok(None);
        }
        let output = launch::spawn(preparation, ["-c", PRINT_USER_SITE], Stdio::null())?
            .wait_with_output()
            .context(STEP)?;
        let user_site = String::from_utf8_lossy(&output.stdout);
        let user_site = Path::new(&*user_site);
        let Some(first) = user_site.strip_prefix(HOME).ok().and_then(|below| below.components().next())
        else {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(failed(modules, &format!("it has no site-packages of the user in {HOME} {stderr}")));
        };
        let line = format!("import site; exec({:?}, vars(site))\n", hook_code(user_site, modules));
        fs::create_dir_all(user_site)
            .and_then(|()| fs::write(user_site.join(HOOK_FILE), line))
            .context(STEP)?;
        Ok(Some(Self { modules, folder: Path::new(HOME).join(first) }))
    }

    /// Removes the hook. The modules failed to import if the interpreter is not ready or has written output:
    /// an error, or text that would be mixed into every program's output.
    pub(crate) fn remove(self, child: &Child, is_ready: bool) -> Result<(), Error> {
        fs::remove_dir_all(&self.folder).context(STEP)?;
        let mut output = Vec::new();
        let pipes = [child.stdout.as_ref().map(AsFd::as_fd), child.stderr.as_ref().map(AsFd::as_fd)];
        for pipe in pipes.into_iter().flatten() {
            // Only what the pipe contains now: the interpreter keeps it open.
            let available = ioctl_fionread(pipe).context(STEP)?.min(MAX_OUTPUT);
            let mut bytes = vec![0; usize::try_from(available).unwrap_or_default()];
            let length = read(pipe, &mut bytes).context(STEP)?;
            output.extend_from_slice(&bytes[..length]);
        }
        if is_ready && output.is_empty() {
            Ok(())
        } else {
            Err(failed(self.modules, &String::from_utf8_lossy(&output)))
        }
    }
}

/// The code that is executed in the module `site`. Packages can be imported once `site` has executed its last
/// step, `execusercustomize`, so the imports follow that. The module path is without the folder, as if it had
/// never existed.
fn hook_code(user_site: &Path, modules: &[String]) -> String {
    format!(
        "sys.path.remove({user_site:?})
def _preload(original=execusercustomize):
    global _preload, execusercustomize
    execusercustomize = original
    del _preload
    original()
    import {}
execusercustomize = _preload
",
        modules.join(", ")
    )
}

fn failed(modules: &[String], output: &str) -> Error {
    Error::Preload { modules: modules.to_vec(), output: output.trim().to_owned() }
}

/// Whether Python may import this input file as a module.
pub(crate) fn may_be_module(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| ["py", "pyc", "so"].contains(&extension))
}
