//! The programs that a kubeconfig names to fetch credentials. kube would also search elements of PATH that
//! are empty or relative, which lead into the working directory.

use crate::error::SetupError;
use cofferdam_core::os::programs;
use kube::config::{AuthInfo, Kubeconfig};
use std::path::PathBuf;

/// Replaces each program name without a `/`, of the user of the context, by a path in one of the folders.
pub(super) fn resolve(
    kubeconfig: &mut Kubeconfig,
    context: Option<&str>,
    folders: &[PathBuf],
) -> Result<(), SetupError> {
    let context = context.or(kubeconfig.current_context.as_deref());
    let context = kubeconfig.contexts.iter().find(|named| Some(named.name.as_str()) == context);
    let Some(user) = context.and_then(|named| named.context.as_ref()?.user.clone()) else { return Ok(()) };
    let user = kubeconfig.auth_infos.iter_mut().find(|named| named.name == user);
    let Some(user) = user.and_then(|named| named.auth_info.as_mut()) else { return Ok(()) };
    for program in programs_of(user) {
        // kube resolves a path against the folder of the kubeconfig.
        if program.contains('/') {
            continue;
        }
        let found = programs::find(program, folders.iter().cloned());
        *program = found
            .and_then(|path| path.into_os_string().into_string().ok())
            .ok_or_else(|| SetupError::NoCredentialProgram { program: program.clone() })?;
    }
    Ok(())
}

fn programs_of(user: &mut AuthInfo) -> impl Iterator<Item = &mut String> {
    let exec = user.exec.as_mut().and_then(|exec| exec.command.as_mut());
    let provider = user.auth_provider.as_mut().filter(|provider| provider.name == "gcp");
    exec.into_iter().chain(provider.and_then(|provider| provider.config.get_mut("cmd-path")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "
apiVersion: v1
kind: Config
current-context: plugin
contexts:
- {name: plugin, context: {cluster: a, user: plugin}}
- {name: provider, context: {cluster: a, user: provider}}
- {name: path, context: {cluster: a, user: path}}
- {name: lacking, context: {cluster: a, user: lacking}}
users:
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh}}}
- {name: provider, user: {auth-provider: {name: gcp, config: {cmd-path: sh}}}}
- {name: path, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /opt/plugin}}}
- {name: lacking, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin}}}
";

    fn resolved(context: Option<&str>) -> Result<Kubeconfig, SetupError> {
        let mut kubeconfig = Kubeconfig::from_yaml(USERS).expect("a kubeconfig");
        resolve(&mut kubeconfig, context, &["/nowhere".into(), "/bin".into()]).map(|()| kubeconfig)
    }

    fn program(kubeconfig: &mut Kubeconfig, user: usize) -> &str {
        programs_of(kubeconfig.auth_infos[user].auth_info.as_mut().expect("a user"))
            .next()
            .expect("a program")
    }

    #[test]
    fn a_program_name_is_replaced_by_a_path() {
        for (context, user, path) in
            [(None, 0, "/bin/sh"), (Some("provider"), 1, "/bin/sh"), (Some("path"), 2, "/opt/plugin")]
        {
            let mut kubeconfig = resolved(context).expect("a path");
            assert_eq!(program(&mut kubeconfig, user), path);
            // The program of another user may be missing.
            assert_eq!(program(&mut kubeconfig, 3), "no-such-plugin");
        }
    }

    #[test]
    fn a_missing_program_is_in_the_error() {
        let error = resolved(Some("lacking")).expect_err("an error").to_string();
        assert!(error.contains("no-such-plugin") && error.contains("PATH"), "{error}");
    }
}
