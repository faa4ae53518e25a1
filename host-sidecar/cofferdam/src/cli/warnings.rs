//! Log events as messages at a terminal.

use super::sanitize::sanitize;
use std::fmt;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// Writes each event as one of our messages, without time, level and target.
pub(super) struct Messages;

impl<S, N> FormatEvent<S, N> for Messages
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.message().map_or(Ok(()), |message| writeln!(writer, "cofferdam: {}", sanitize(&message)))
    }
}

/// The fields of an event that a message shows.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    error: Option<String>,
    detail: Option<String>,
    /// Whether the command itself reports this error.
    is_reported: bool,
}

impl Fields {
    /// An error that the command reports lacks only its detail.
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
    fn an_error_that_the_command_reports_adds_only_its_detail() {
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
