//! Modules that a Python has imported before there is a program. It executes a file in the folder of its user's packages when
//! it starts (<https://docs.python.org/3/library/site.html>); nothing of that is left when it is up.

use crate::{
    error::{During, Error},
    launch,
    workspace::HOME,
};
use cofferdam_protocol::{InputFile, Preparation};
use rustix::io::{ioctl_fionread, read};
use std::{
    ffi::OsStr,
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

const STEP: &str = "have modules imported ahead";
/// Prints where that folder is.
const ASK: &str = "import site; print(site.getusersitepackages() if site.ENABLE_USER_SITE else '', end='')";
const FILE: &str = "ahead.pth";
/// Bytes of what an interpreter says that are told.
const TOLD: u64 = 2000;

/// An interpreter that starts while this is there imports them.
#[derive(Debug)]
pub(crate) struct Imports<'a> {
    modules: &'a [String],
    /// All that has been made for it.
    folder: PathBuf,
}

impl<'a> Imports<'a> {
    /// Those of this preparation, if it wants any.
    pub(crate) fn of(preparation: &'a Preparation) -> Result<Option<Self>, Error> {
        let modules = preparation.imports.as_slice();
        if modules.is_empty() {
            return Ok(None);
        }
        let asked = launch::start_with(preparation, ["-c", ASK], Stdio::null())?.wait_with_output().during(STEP)?;
        let packages = String::from_utf8_lossy(&asked.stdout);
        let packages = Path::new(&*packages);
        let Some(first) = packages.strip_prefix(HOME).ok().and_then(|below| below.components().next()) else {
            let said = format!("it has no folder for its user's packages {}", String::from_utf8_lossy(&asked.stderr));
            return Err(failed(modules, &said));
        };
        let line = format!("import site; exec({:?}, vars(site))\n", hook(packages, modules));
        fs::create_dir_all(packages).and_then(|()| fs::write(packages.join(FILE), line)).during(STEP)?;
        Ok(Some(Self { modules, folder: Path::new(HOME).join(first) }))
    }

    /// Takes away what was made for that. An interpreter that has not come up has failed, and so has one that has said
    /// something: why it could not import them, or what every program's caller would read.
    pub(crate) fn end(self, child: &Child, is_up: bool) -> Result<(), Error> {
        fs::remove_dir_all(&self.folder).during(STEP)?;
        let mut said = Vec::new();
        for pipe in
            [child.stdout.as_ref().map(AsFd::as_fd), child.stderr.as_ref().map(AsFd::as_fd)].into_iter().flatten()
        {
            // No more than is there already: it may keep its pipes for ever.
            let there = ioctl_fionread(pipe).during(STEP)?.min(TOLD);
            let mut bytes = vec![0; usize::try_from(there).unwrap_or_default()];
            let length = read(pipe, &mut bytes).during(STEP)?;
            said.extend_from_slice(&bytes[..length]);
        }
        if is_up && said.is_empty() { Ok(()) } else { Err(failed(self.modules, &String::from_utf8_lossy(&said))) }
    }
}

/// What is executed in `site`. Its last step, the module `usercustomize`, is the first at which all packages can be found; it
/// is followed by the imports. A program's path is without that folder, as if it had never been there.
fn hook(packages: &Path, modules: &[String]) -> String {
    format!(
        "sys.path.remove({packages:?})
def ahead(last=execusercustomize):
    global ahead, execusercustomize
    execusercustomize = last
    del ahead
    last()
    import {}
execusercustomize = ahead
",
        modules.join(", ")
    )
}

fn failed(modules: &[String], said: &str) -> Error {
    Error::Imports { modules: modules.to_vec(), said: said.trim().to_owned() }
}

/// Whether a file beside the program may be a module of Python's.
pub(crate) fn may_be_module(file: &InputFile) -> bool {
    let extension = Path::new(&file.path).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| ["py", "pyc", "so"].contains(&extension))
}
