//! Warnings as a person at a terminal reads them.

use super::plain;
use std::fmt;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Writes each event as one of our own messages, without what only a log needs.
pub(super) struct Messages;

impl<S, N> FormatEvent<S, N> for Messages
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.message().map_or(Ok(()), |message| writeln!(writer, "cofferdam: {}", plain(&message)))
    }
}

/// Those that a message is made of.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    error: Option<String>,
    detail: Option<String>,
    /// Whether it is an error that the command itself reports.
    is_reported: bool,
}

impl Fields {
    /// Of what the command reports itself, only the detail is missing there.
    fn message(self) -> Option<String> {
        if self.is_reported {
            return self.detail;
        }
        let parts = [Some(self.message), self.error, self.detail];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    }

    fn set(&mut self, name: &str, value: String) {
        match name {
            "message" => self.message = value,
            "error" => self.error = Some(value),
            "detail" => self.detail = Some(value),
            "code" => self.is_reported = true,
            _ => {}
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_anyway_is_not_said_twice() {
        let fields = |code: bool, detail: Option<&str>| Fields {
            message: "failed".into(),
            error: Some("no room".into()),
            detail: detail.map(str::to_owned),
            is_reported: code,
        };
        assert_eq!(fields(true, None).message(), None);
        assert_eq!(fields(true, Some("why")).message().as_deref(), Some("why"));
        assert_eq!(fields(false, None).message().as_deref(), Some("failed: no room"));
    }
}
