//! `cofferdam session list`.

use super::{SidecarArgs, pairs};
use crate::cli::{Failure, sanitize::sanitize, sidecar, standard_output};
use cofferdam_http_api::session::{Session, Sessions};
use serde_json::json;
use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Lists sessions.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only sessions with this in their metadata; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sidecar: SidecarArgs,
}

pub(super) async fn list(args: ListArgs) -> Result<ExitCode, Failure> {
    let filter: Vec<_> = pairs("--metadata", &args.metadata)?.into_iter().collect();
    let sessions = args.sidecar.client()?.sessions(&filter).await.map_err(sidecar::failure)?;
    if args.json {
        standard_output::print_line(&json!(Sessions { sessions }).to_string())?;
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, cofferdam_types::milliseconds);
        standard_output::print(table(&sessions, now).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of sessions, `now` milliseconds after 1970.
fn table(sessions: &[Session], now: u64) -> String {
    let head = ["ID", "NAME", "LANGUAGE", "RUNNING", "CREATED", "EXPIRES"].map(str::to_owned);
    let row = |session: &Session| {
        let Session { id, name, language, executions, created_ms, expires_ms, .. } = session;
        [
            sanitize(id),
            name.as_deref().map_or_else(|| "-".into(), sanitize),
            sanitize(language),
            executions.to_string(),
            format!("{} ago", time(now.saturating_sub(*created_ms))),
            format!("in {}", time(expires_ms.saturating_sub(now))),
        ]
    };
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(sessions.iter().map(row)).collect();
    let width =
        |column: usize| rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A time in its largest unit.
fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofferdam_types::RequestedLimits;

    #[test]
    fn a_table_has_aligned_columns_and_no_escapes() {
        let session = Session {
            id: "s-1".into(),
            name: Some("a\u{1b}b".into()),
            language: "python".into(),
            image: None,
            metadata: [].into(),
            created_ms: 10_000,
            expires_ms: 3_700_000,
            ends_at_most_ms: 3_700_000,
            idle_timeout_ms: 1,
            working_dir: "/work".into(),
            limits: RequestedLimits::default(),
            executions: 2,
            warm: true,
        };
        let table = table(&[session.clone(), Session { name: None, ..session }], 100_000);
        let expected = "ID   NAME  LANGUAGE  RUNNING  CREATED   EXPIRES\n\
                        s-1  a\u{fffd}b   python    2        90 s ago  in 60 min\n\
                        s-1  -     python    2        90 s ago  in 60 min\n";
        assert_eq!(table, expected);
    }
}
