//! The language of a program, from the name of its file or its first line. Pure.

use cofferdam_core::policy::Language;
use cofferdam_types::quoted;
use std::{collections::BTreeMap, path::Path};

/// Extensions, and the names of their language in the settings; messages suggest the first.
const EXTENSIONS: [(&str, &[&str]); 6] = [
    ("py", &["python"]),
    ("sh", &["bash"]),
    ("bash", &["bash"]),
    ("js", &["node", "javascript"]),
    ("mjs", &["node", "javascript"]),
    ("cjs", &["node", "javascript"]),
];
/// Interpreters in shebangs with another name than their language.
const INTERPRETERS: [(&str, &str); 2] = [("sh", "bash"), ("nodejs", "node")];

/// The languages of the settings; a remote sidecar has its own.
type Languages = BTreeMap<String, Language>;

/// The language of a program; none stands for the default.
///
/// # Errors
///
/// A message for a file with an unknown extension or shebang. Executed as Python, it would fail with a
/// misleading error.
pub(super) fn choose(
    file: &str,
    code: &str,
    languages: Option<&Languages>,
) -> Result<Option<String>, String> {
    let extension = Path::new(file).extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let interpreter = interpreter(code);
    let language = extension.as_deref().and_then(|extension| by_extension(extension, languages));
    let language = language.or_else(|| by_interpreter(interpreter.as_deref()?, languages));
    match (extension, interpreter) {
        _ if language.is_some() => Ok(language),
        (Some(extension), _) => Err(unknown(file, &format!(".{extension}"), &extension, languages)),
        (None, Some(interpreter)) => Err(unknown(file, &format!("#!{interpreter}"), &interpreter, languages)),
        (None, None) => Ok(None),
    }
}

fn by_extension(extension: &str, languages: Option<&Languages>) -> Option<String> {
    let names = EXTENSIONS.iter().find(|(known, _)| *known == extension).map_or(&[][..], |(_, names)| names);
    let Some(languages) = languages else { return names.first().map(ToString::to_string) };
    let has_extension = |language: &Language| {
        Path::new(&language.file).extension().is_some_and(|of_file| of_file.eq_ignore_ascii_case(extension))
    };
    let named = names.iter().find(|name| languages.contains_key(**name)).map(ToString::to_string);
    named.or_else(|| {
        languages.iter().find(|(_, language)| has_extension(language)).map(|(name, _)| name.clone())
    })
}

fn by_interpreter(interpreter: &str, languages: Option<&Languages>) -> Option<String> {
    let name =
        INTERPRETERS.iter().find(|(known, _)| *known == interpreter).map_or(interpreter, |(_, name)| name);
    let Some(languages) = languages else { return Some(name.to_owned()) };
    let names = EXTENSIONS.iter().map(|(_, names)| *names).find(|names| names.contains(&name)).unwrap_or(&[]);
    let mut names = [name].into_iter().chain(names.iter().copied());
    let runs_it = |language: &Language| {
        language
            .command
            .first()
            .is_some_and(|command| Path::new(command).file_name() == Some(interpreter.as_ref()))
    };
    let named = names.find(|name| languages.contains_key(*name)).map(ToOwned::to_owned);
    named.or_else(|| languages.iter().find(|(_, language)| runs_it(language)).map(|(name, _)| name.clone()))
}

/// The name of the interpreter in the first line, without its version: `python` of `#!/usr/bin/env -S
/// python3.11 -u`.
fn interpreter(code: &str) -> Option<String> {
    let first = code.trim_start_matches('\u{feff}').lines().next()?;
    let mut words = first.strip_prefix("#!")?.split_whitespace();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut name = base(words.next()?);
    if name == "env" {
        name = base(command_of_env(words)?);
    }
    let bare = name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    Some(if bare.is_empty() { name } else { bare.to_owned() })
}

/// The command among the arguments of env(1), after its options and variables.
fn command_of_env<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    loop {
        match words.next()? {
            "-u" | "--unset" | "-C" | "--chdir" => _ = words.next(),
            word if word.starts_with('-') || word.contains('=') => {}
            word => return Some(word),
        }
    }
}

fn unknown(file: &str, source: &str, name: &str, languages: Option<&Languages>) -> String {
    let by_extension =
        EXTENSIONS.iter().find(|(extension, _)| *extension == name).and_then(|(_, names)| names.first());
    let name = by_extension.copied().unwrap_or("NAME");
    let known =
        languages.map(|languages| languages.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    let known = known.map(|known| format!("known languages are {known}; ")).unwrap_or_default();
    format!(
        "no language is known for {} ({}): {known}choose one with --language, or set `languages.{name}` in the settings",
        quoted(file),
        quoted(source)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_core::policy::default_languages;

    fn languages() -> Languages {
        let language = |command: &str, file: &str| Language {
            command: vec![command.into()],
            file: file.into(),
            image: None,
            prewarm: false,
            preload_modules: Vec::new(),
        };
        let mut languages = default_languages();
        languages.insert("javascript".into(), language("node", "main.mjs"));
        languages.insert("ruby".into(), language("/usr/bin/ruby", "main.rb"));
        languages
    }

    #[test]
    fn the_extension_determines_the_language_before_the_first_line() {
        for (file, code, expected) in [
            ("a.py", "", Some("python")),
            ("a.PY", "", Some("python")),
            ("a.sh", "#!/usr/bin/python3", Some("bash")),
            ("a.bash", "", Some("bash")),
            ("a.js", "", Some("javascript")),
            ("a.cjs", "", Some("javascript")),
            ("a.rb", "", Some("ruby")),
            ("a", "", None),
            ("-", "print(1)", None),
            ("-", "#!/bin/bash\n", Some("bash")),
            ("a", "#!/bin/sh -e\n", Some("bash")),
            ("a", "#!/usr/bin/env -S python3.11 -u\n", Some("python")),
            ("a", "#! /usr/bin/env A=1 node\n", Some("javascript")),
            ("a", "#!/usr/bin/env -u X -C /tmp bash\n", Some("bash")),
            ("a", "\u{feff}#!/bin/bash\n", Some("bash")),
            ("a", "#!/usr/bin/ruby", Some("ruby")),
            ("a.2026", "#!/bin/bash", Some("bash")),
        ] {
            let chosen = choose(file, code, Some(&languages()));
            assert_eq!(chosen, Ok(expected.map(Into::into)), "{file} {code:?}");
        }
    }

    #[test]
    fn an_unknown_extension_or_shebang_is_refused_with_a_remedy() {
        let defaults = default_languages();
        for (file, code, known, parts) in [
            ("a.js", "", Some(&defaults), &["`.js`", "--language", "`languages.node`", "bash, python"][..]),
            ("a.xyz", "", Some(&defaults), &["`.xyz`", "--language", "`languages.NAME`"]),
            ("a", "#!/usr/bin/perl", Some(&defaults), &["`#!perl`", "--language"]),
            ("a.xyz", "", None, &["--language"]),
        ] {
            let problem = choose(file, code, known).expect_err("refused");
            assert!(parts.iter().all(|part| problem.contains(part)), "{file}: {problem}");
        }
    }

    #[test]
    fn a_remote_sidecar_has_its_own_languages() {
        for (file, code, expected) in [
            ("a.js", "", Some("node")),
            ("a.py", "", Some("python")),
            ("a", "#!/bin/ruby", Some("ruby")),
            ("-", "", None),
        ] {
            assert_eq!(choose(file, code, None), Ok(expected.map(Into::into)), "{file}");
        }
    }
}
