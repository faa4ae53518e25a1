//! The request of a case.

use super::{Case, Failure};
use cofferdam_component::types::{File, Label, Limits, Request, Variable};

impl Case {
    pub(super) fn is_bash(&self) -> bool {
        self.spec.request.language.as_deref() == Some("bash")
    }

    /// Name of the program's file, in the case's folder and in the sandbox.
    pub(super) fn program(&self) -> &'static str {
        if self.is_bash() { "main.sh" } else { "main.py" }
    }

    pub(super) fn code(&self) -> Result<String, Failure> {
        let mut code = match &self.spec.request.code {
            Some(code) => code.clone(),
            None => String::from_utf8(self.file(self.program())?.ok_or("the folder has no program")?)?,
        };
        if let Some(size) = self.spec.request.code_size {
            code.extend(std::iter::repeat_n('#', size.saturating_sub(code.len())));
        }
        Ok(code)
    }

    pub(super) fn stdin(&self) -> Result<Option<Vec<u8>>, Failure> {
        match self.spec.request.stdin_size {
            Some(size) => {
                Ok(Some((0..).flat_map(|line: u32| format!("{line:07}\n").into_bytes()).take(size).collect()))
            }
            None => Ok(self.file("stdin")?),
        }
    }

    pub(super) fn files(&self) -> Result<Vec<File>, Failure> {
        let in_folder = self.tree("files")?.into_iter().map(|(path, content)| File { path, content });
        let in_spec = self.spec.request.files.iter().map(|file| {
            let mut content = file.content.clone().into_bytes();
            content.resize(content.len().max(file.size), b'x');
            File { path: file.path.clone(), content }
        });
        Ok(in_folder.chain(in_spec).collect())
    }

    pub(super) fn request(&self) -> Result<Request, Failure> {
        let spec = &self.spec.request;
        let limits = &spec.limits;
        Ok(Request {
            code: self.code()?,
            language: spec.language.clone(),
            args: Some(spec.args.clone()),
            env: Some(
                spec.env
                    .iter()
                    .map(|(name, value)| Variable { name: name.clone(), value: value.clone() })
                    .collect(),
            ),
            stdin: self.stdin()?,
            files: Some(self.files()?),
            collect: Some(spec.collect.clone()),
            limits: Some(Limits {
                wall_time_ms: limits.wall_time_ms,
                startup_time_ms: limits.startup_time_ms,
                cpu_millis: limits.cpu_millis,
                memory_bytes: limits.memory_bytes,
                disk_bytes: limits.disk_bytes,
                processes: limits.processes,
                output_bytes: limits.output_bytes,
                collected_files: limits.collected_files,
                collected_bytes: limits.collected_bytes,
            }),
            network: spec.network.clone(),
            labels: Some(
                spec.labels
                    .iter()
                    .map(|(key, value)| Label { key: key.clone(), value: value.clone() })
                    .collect(),
            ),
        })
    }
}
