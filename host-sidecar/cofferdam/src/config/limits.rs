//! The limits of executions as settings: the defaults, the operator's ceilings, and those of a tenant.
//! Everything that is the same for each of them is made from one table.

use super::Settings;
use cofferdam_core::{
    InvalidSetting,
    policy::Limits,
    quantity::{Bytes, Cpu, Seconds},
};
use cofferdam_types::milliseconds;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Makes the settings of the limits. A row is a setting, its type, and the limit that it sets.
macro_rules! limit_settings {
    ($($(#[$attribute:meta])+ $setting:ident: $quantity:ty, $limit:ident;)+) => {
        /// Limits as settings. The default is the ceilings of an operator who sets none.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct LimitSettings {
            $($(#[$attribute])+
            pub $setting: $quantity,)+
        }

        /// Ceilings of one tenant, by the names of [`LimitSettings`]. The operator's ceiling replaces a
        /// missing one.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[expect(missing_docs, reason = "the documentation is that of `LimitSettings`")]
        pub struct LoweredCeilings {
            $(#[serde(skip_serializing_if = "Option::is_none")]
            pub $setting: Option<$quantity>,)+
        }

        impl LimitSettings {
            /// The names of the settings.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($setting)),+];

            /// The limits.
            pub(super) fn limits(&self) -> Limits {
                Limits { $($limit: self.$setting.to_limit()),+ }
            }

            /// Each setting with its value; none: there is no such limit.
            pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, Option<Value>)> {
                [$((stringify!($setting), self.$setting.value())),+].into_iter()
            }
        }

        impl From<Limits> for LimitSettings {
            fn from(limits: Limits) -> Self {
                Self { $($setting: LimitSetting::of_limit(limits.$limit)),+ }
            }
        }

        impl LoweredCeilings {
            /// The tenant's ceilings, given the operator's.
            ///
            /// # Errors
            ///
            /// [`InvalidSetting`] for a ceiling of zero or above the operator's.
            pub(super) fn below(&self, operators: &LimitSettings) -> Result<LimitSettings, InvalidSetting> {
                Ok(LimitSettings {
                    $($setting: lower(stringify!($setting), self.$setting, operators.$setting)?),+
                })
            }
        }

        impl Settings {
            /// The limits of a request that sets none.
            pub(super) fn default_limits(&self) -> LimitSettings {
                LimitSettings { $($setting: self.$setting),+ }
            }

            /// The settings, with these limits of a request that sets none.
            #[must_use]
            pub fn with_default_limits(self, limits: LimitSettings) -> Self {
                Self { $($setting: limits.$setting,)+ ..self }
            }
        }
    };
}

limit_settings! {
    /// Time from a program's start to its end, in seconds.
    timeout_seconds: Seconds, wall_time_ms;
    /// Time from a request to the program's start, in seconds.
    startup_timeout_seconds: Seconds, startup_time_ms;
    /// Processors; none: all of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_limit: Option<Cpu>, cpu_millis;
    /// Amount of memory.
    mem_limit: Bytes, memory_bytes;
    /// Size of all writable directories together.
    disk_limit: Bytes, disk_bytes;
    /// Number of processes and threads alive at once.
    process_limit: u32, processes;
    /// Number of bytes kept of each output stream.
    output_limit: Bytes, output_bytes;
    /// Number of files that are returned.
    collected_files: u32, collected_files;
    /// Size of all files that are returned.
    collected_limit: Bytes, collected_bytes;
}

impl Default for LimitSettings {
    fn default() -> Self {
        Limits::DEFAULT_CEILINGS.into()
    }
}

/// The value of a setting. Values of one setting are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Value {
    Time(Seconds),
    Cpu(Cpu),
    Size(Bytes),
    Number(u32),
}

impl Value {
    /// Whether it is above zero.
    pub(super) fn is_positive(self) -> bool {
        match self {
            Self::Time(time) => !time.0.is_zero(),
            Self::Cpu(cpu) => cpu.0 > 0,
            Self::Size(size) => size.0 > 0,
            Self::Number(number) => number > 0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => time.fmt(f),
            Self::Cpu(cpu) => cpu.fmt(f),
            Self::Size(size) => size.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A type of a setting that is a limit.
trait LimitSetting: Copy {
    /// The type of the limit.
    type Limit;

    fn of_limit(limit: Self::Limit) -> Self;
    fn to_limit(self) -> Self::Limit;
    fn value(self) -> Option<Value>;
}

impl LimitSetting for Seconds {
    type Limit = u64;

    fn of_limit(limit: u64) -> Self {
        Self(Duration::from_millis(limit))
    }

    fn to_limit(self) -> u64 {
        milliseconds(self.0)
    }

    fn value(self) -> Option<Value> {
        Some(Value::Time(self))
    }
}

impl LimitSetting for Bytes {
    type Limit = u64;

    fn of_limit(limit: u64) -> Self {
        Self(limit)
    }

    fn to_limit(self) -> u64 {
        self.0
    }

    fn value(self) -> Option<Value> {
        Some(Value::Size(self))
    }
}

impl LimitSetting for Option<Cpu> {
    type Limit = Option<u32>;

    fn of_limit(limit: Option<u32>) -> Self {
        limit.map(Cpu)
    }

    fn to_limit(self) -> Option<u32> {
        self.map(|cpu| cpu.0)
    }

    fn value(self) -> Option<Value> {
        self.map(Value::Cpu)
    }
}

impl LimitSetting for u32 {
    type Limit = u32;

    fn of_limit(limit: u32) -> Self {
        limit
    }

    fn to_limit(self) -> u32 {
        self
    }

    fn value(self) -> Option<Value> {
        Some(Value::Number(self))
    }
}

fn lower<T: LimitSetting>(setting: &str, lowered: Option<T>, operators: T) -> Result<T, InvalidSetting> {
    let Some((lowered, value)) = lowered.and_then(|lowered| Some((lowered, lowered.value()?))) else {
        return Ok(operators);
    };
    if !value.is_positive() {
        return Err(InvalidSetting::new(setting, "is zero"));
    }
    if operators.value().is_some_and(|operators| value > operators) {
        return Err(InvalidSetting::new(setting, "is above the operator's ceiling"));
    }
    Ok(lowered)
}
