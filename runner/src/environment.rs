//! The variables of a program: those of its request, below them those of the image, below these our own.

use crate::workspace::HOME;
use std::{collections::BTreeMap, ffi::OsString};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What container runtimes and kubelets set beside the variables of the image. The image's HOME is that of
/// another user.
const NOT_OF_IMAGE: [&str; 2] = ["HOME", "HOSTNAME"];
/// A kubelet tells each container where the API server is.
const OF_CLUSTER: &str = "KUBERNETES_";

/// The variables of a program with these variables of its request, in a container with these.
pub(crate) fn of_program(
    container: impl Iterator<Item = (OsString, OsString)>,
    request: &[(String, String)],
) -> BTreeMap<OsString, OsString> {
    let own = [("HOME", HOME), ("LANG", "C.UTF-8"), ("PATH", PATH)];
    let mut variables: BTreeMap<OsString, OsString> =
        own.map(|(name, value)| (name.into(), value.into())).into();
    variables.extend(container.filter(|(name, _)| is_of_image(&name.to_string_lossy())));
    variables.extend(request.iter().map(|(name, value)| (name.into(), value.into())));
    variables
}

fn is_of_image(name: &str) -> bool {
    !NOT_OF_IMAGE.contains(&name) && !name.starts_with(OF_CLUSTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(container: &[(&str, &str)], request: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let container = container.iter().map(|(name, value)| (name.into(), value.into()));
        let request: Vec<_> = request.iter().map(owned).collect();
        let text = |text: OsString| text.into_string().expect("UTF-8");
        let all = of_program(container, &request);
        all.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn a_program_without_variables_has_our_own() {
        let names: Vec<_> = variables(&[], &[]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["HOME", "LANG", "PATH"]);
    }

    #[test]
    fn variables_of_the_request_precede_those_of_the_image_and_these_our_own() {
        let image = [("A", "image"), ("B", "image"), ("HOME", "/root"), ("PATH", "/opt/bin")];
        let expected =
            [("A", "request"), ("B", "image"), ("HOME", HOME), ("LANG", "C"), ("PATH", "/opt/bin")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables(&image, &[("A", "request"), ("LANG", "C")]), expected);
        assert_eq!(variables(&[], &[("HOME", "/work")])[0], ("HOME".into(), "/work".into()));
    }

    #[test]
    fn what_a_kubelet_and_a_runtime_set_is_not_the_images() {
        let set = [
            ("HOSTNAME", "sandbox"),
            ("KUBERNETES_PORT_443_TCP_ADDR", "10.0.0.1"),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ];
        assert_eq!(variables(&set, &[]), variables(&[], &[]));
        // A request may set any.
        let requested = variables(&set, &[("KUBERNETES_SERVICE_HOST", "mine")]);
        assert_eq!(requested[1], ("KUBERNETES_SERVICE_HOST".into(), "mine".into()));
    }
}
