//! The programs that a kubeconfig names for its credentials. kube would look for them in each element of PATH, also in one that is
//! empty or relative, which is the working directory or lies in it.

use super::SetupError;
use cofferdam_core::os::programs;
use kube::config::{AuthInfo, Kubeconfig};
use std::path::PathBuf;

/// Sets the path of each program that the context's user names without one.
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
        // kube has resolved one with a `/` against the folder of the kubeconfig.
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
        programs_of(kubeconfig.auth_infos[user].auth_info.as_mut().expect("a user")).next().expect("a program")
    }

    #[test]
    fn a_program_without_a_path_is_that_of_a_folder_of_path() {
        for (context, user, path) in
            [(None, 0, "/bin/sh"), (Some("provider"), 1, "/bin/sh"), (Some("path"), 2, "/opt/plugin")]
        {
            let mut kubeconfig = resolved(context).expect("it is there");
            assert_eq!(program(&mut kubeconfig, user), path);
            // Another user's may be missing.
            assert_eq!(program(&mut kubeconfig, 3), "no-such-plugin");
        }
    }

    #[test]
    fn a_program_that_is_in_no_folder_of_path_is_named() {
        let error = resolved(Some("lacking")).expect_err("it is not there").to_string();
        assert!(error.contains("no-such-plugin") && error.contains("PATH"), "{error}");
    }
}
