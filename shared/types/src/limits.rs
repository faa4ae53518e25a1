//! The limits of an execution. Everything that is the same for each of them is made from one table.

use crate::{ExceededLimit, milliseconds};
use core::{num::TryFromIntError, time::Duration};

/// Makes the types of the limits. A row is a field, its name in the contract, the type of a requested limit,
/// the type of a limit that applies with its attribute, the default, and the default ceiling.
macro_rules! limits {
    ($(
        $(#[$doc:meta])+
        $field:ident, $name:literal, $requested:ty, $(#[$of_limit:meta])? $limit:ty, $default:expr, $ceiling:expr;
    )+) => {
        /// Limits of an execution. Each is enforced, must not be zero, and has a default and a ceiling in the
        /// operator's settings.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize), serde(default, deny_unknown_fields))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Limits))]
        pub struct RequestedLimits {
            $($(#[$doc])+
            #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
            #[cfg_attr(feature = "openapi", schema(minimum = 1))]
            pub $field: Option<$requested>,)+
        }

        /// The limits that apply to an execution. All are set.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct Limits {
            $($(#[$doc])+
            $(#[$of_limit])?
            pub $field: $limit,)+
        }

        impl RequestedLimits {
            /// The names of all fields.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// The limits that are set: their names in the contract, and their values.
            pub fn set_limits(&self) -> impl Iterator<Item = (&'static str, u64)> {
                let all = [$(($name, self.$field.map(u64::from))),+];
                all.into_iter().filter_map(|(name, value)| Some((name, value?)))
            }

            /// Sets the limit of this field; another name changes nothing.
            ///
            /// # Errors
            ///
            /// [`TryFromIntError`] for a value above the maximum of the field's type.
            pub fn set(&mut self, field: &str, value: Option<u64>) -> Result<(), TryFromIntError> {
                $(if field == stringify!($field) {
                    self.$field = value.map(TryFrom::try_from).transpose()?;
                })+
                Ok(())
            }
        }

        impl Limits {
            /// The limits of a request that sets none, where the operator sets none either.
            pub const DEFAULT: Self = Self { $($field: $default),+ };
            /// The ceilings of an operator who sets none.
            pub const DEFAULT_CEILINGS: Self = Self { $($field: $ceiling),+ };

            /// The limits of one execution: those that it requests, below the ceilings, and the defaults for
            /// the rest.
            ///
            /// # Errors
            ///
            /// [`ExceededLimit`] for a limit above its ceiling.
            pub fn of_request(
                requested: &RequestedLimits,
                defaults: &Self,
                ceilings: &Self,
            ) -> Result<Self, ExceededLimit> {
                Ok(Self {
                    $($field: Limit::of_request($name, requested.$field, defaults.$field, ceilings.$field)?),+
                })
            }
        }
    };
}

limits! {
    /// Milliseconds from the start of the program to its end. If exceeded, the status is `timed-out`.
    wall_time_ms, "wall-time-ms", u64, u64, 300_000, 3_600_000;
    /// Milliseconds from the request to the start of the program. If exceeded, the error is
    /// `startup-timeout`.
    startup_time_ms, "startup-time-ms", u64, #[cfg_attr(feature = "serde", serde(skip))] u64, 60_000, 600_000;
    /// Thousandths of a CPU. A program that needs more is throttled, not killed.
    cpu_millis, "cpu-millis", u32, Option<u32>, None, None;
    /// Bytes of memory of all processes together. If exceeded, the status is `out-of-memory`.
    memory_bytes, "memory-bytes", u64, u64, 512 << 20, 8 << 30;
    /// Bytes in the working directory, HOME and /tmp together.
    disk_bytes, "disk-bytes", u64, u64, 256 << 20, 4 << 30;
    /// Concurrent processes and threads. If exceeded, the status is `out-of-processes`.
    processes, "processes", u32, u32, 256, 4096;
    /// Bytes of stdout and of stderr, each. Longer output is truncated in the middle.
    output_bytes, "output-bytes", u64, u64, 16 << 20, 64 << 20;
    /// Number of collected files. Further files are listed as skipped.
    collected_files, "collected-files", u32, u32, 100, 1000;
    /// Total bytes of the collected files. A file that does not fit is listed as skipped.
    collected_bytes, "collected-bytes", u64, u64, 16 << 20, 64 << 20;
}

/// Converts a record with the same fields, such as a generated type of the contract, to
/// [`RequestedLimits`](crate::RequestedLimits).
#[macro_export]
macro_rules! requested_limits {
    ($record:expr) => {{
        let record = $record;
        $crate::RequestedLimits {
            wall_time_ms: record.wall_time_ms,
            startup_time_ms: record.startup_time_ms,
            cpu_millis: record.cpu_millis,
            memory_bytes: record.memory_bytes,
            disk_bytes: record.disk_bytes,
            processes: record.processes,
            output_bytes: record.output_bytes,
            collected_files: record.collected_files,
            collected_bytes: record.collected_bytes,
        }
    }};
}

impl Limits {
    /// Time from the start of the program to its end.
    #[must_use]
    pub const fn wall_time(&self) -> Duration {
        Duration::from_millis(self.wall_time_ms)
    }

    /// Time from the request to the start of the program.
    #[must_use]
    pub const fn startup_time(&self) -> Duration {
        Duration::from_millis(self.startup_time_ms)
    }

    /// Sets the time from the start of the program to its end, in whole milliseconds.
    pub fn set_wall_time(&mut self, time: Duration) {
        self.wall_time_ms = milliseconds(time);
    }

    /// The limits of the whole sandbox: those that only an execution has are zero.
    #[must_use]
    pub const fn of_sandbox(&self) -> Self {
        Self { wall_time_ms: 0, startup_time_ms: 0, collected_files: 0, ..*self }
    }

    /// Bytes of memory that the whole sandbox may hold: those of the program, of its disk, which is in memory
    /// too, of what the runner holds for it, and `overhead` for gVisor itself.
    #[must_use]
    pub fn sandbox_memory(&self, overhead: u64) -> u64 {
        [self.disk_bytes, self.output_bytes, self.collected_bytes, overhead]
            .into_iter()
            .fold(self.memory_bytes, u64::saturating_add)
    }

    /// Bytes that an outcome may have in JSON, where each byte may be escaped to two.
    #[must_use]
    pub const fn outcome_memory(&self) -> u64 {
        self.output_bytes.saturating_mul(2).saturating_add(self.collected_bytes).saturating_mul(2)
    }
}

impl Default for Limits {
    /// [`Limits::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A limit that applies, of which a request sets one of type `R`.
trait Limit<R>: Sized {
    fn of_request(
        limit: &'static str,
        requested: Option<R>,
        default: Self,
        ceiling: Self,
    ) -> Result<Self, ExceededLimit>;
}

impl<T: Ord + Copy + Into<u64>> Limit<T> for T {
    /// A default is lowered to its ceiling.
    fn of_request(
        limit: &'static str,
        requested: Option<T>,
        default: T,
        ceiling: T,
    ) -> Result<T, ExceededLimit> {
        match requested {
            None => Ok(default.min(ceiling)),
            Some(requested) if requested <= ceiling => Ok(requested),
            Some(requested) => Err(ExceededLimit {
                limit: limit.into(),
                requested: requested.into(),
                ceiling: ceiling.into(),
            }),
        }
    }
}

impl<T: Ord + Copy + Into<u64>> Limit<T> for Option<T> {
    /// Without a ceiling any amount is allowed.
    fn of_request(
        limit: &'static str,
        requested: Option<T>,
        default: Self,
        ceiling: Self,
    ) -> Result<Self, ExceededLimit> {
        match ceiling {
            Some(ceiling) => T::of_request(limit, requested, default.unwrap_or(ceiling), ceiling).map(Some),
            None => Ok(requested.or(default)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_set_by_its_name() {
        let mut limits = RequestedLimits::default();
        for (value, field) in (1..).zip(RequestedLimits::FIELDS) {
            assert_eq!(limits.set(field, Some(value)), Ok(()));
        }
        let set = limits.set_limits().map(|(_, value)| value);
        assert!(set.eq(1..=RequestedLimits::FIELDS.len() as u64), "{limits:?}");
        assert!(limits.set("processes", Some(1 << 32)).is_err());
    }

    #[test]
    fn a_name_in_the_contract_is_that_of_the_field() {
        let mut limits = RequestedLimits::default();
        for field in RequestedLimits::FIELDS {
            limits.set(field, Some(1)).expect("a value");
        }
        let names = limits.set_limits().map(|(name, _)| name.replace('-', "_"));
        assert!(names.eq(RequestedLimits::FIELDS.iter().copied()));
    }

    #[test]
    fn a_limit_without_a_ceiling_may_have_any_value() {
        let cpu = |requested, default, ceiling| {
            let limits = |cpu_millis| Limits { cpu_millis, ..Limits::DEFAULT };
            let requested = RequestedLimits { cpu_millis: requested, ..RequestedLimits::default() };
            Limits::of_request(&requested, &limits(default), &limits(ceiling)).map(|limits| limits.cpu_millis)
        };
        assert_eq!(cpu(Some(9), Some(1), None), Ok(Some(9)));
        assert_eq!(cpu(None, None, None), Ok(None));
        assert_eq!(cpu(None, None, Some(2)), Ok(Some(2)));
        assert_eq!(cpu(None, Some(3), Some(2)), Ok(Some(2)));
        let exceeded = ExceededLimit { limit: "cpu-millis".into(), requested: 3, ceiling: 2 };
        assert_eq!(cpu(Some(3), None, Some(2)), Err(exceeded));
    }
}
