//! Conversion between JSON and component values.

use super::json::bytes;
use crate::{conformance::Failure, program::root};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value as Json;
use wasm_wave::{
    value::{Type, Value, resolve_wit_func_type},
    wasm::{WasmFunc, WasmType, WasmTypeKind as Kind, WasmValue},
};
use wit_parser::Resolve;

/// The types of the parameter and of the result of `execute` in the contract.
pub(super) fn execute() -> Result<(Type, Type), Failure> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit"))?;
    let interface = resolve.packages[package].interfaces["code-executor"];
    let function = resolve_wit_func_type(&resolve, &resolve.interfaces[interface].functions["execute"])?;
    let (parameter, result) = (function.params().next(), function.results().next());
    parameter.zip(result).ok_or_else(|| "`execute` has no parameter or no result".into())
}

/// Converts JSON to a value of this type.
pub(super) fn from_json(ty: &Type, json: &Json) -> Result<Value, Failure> {
    let number = || json.as_u64().ok_or("a number is missing");
    Ok(match ty.kind() {
        Kind::U32 => Value::make_u32(number()?.try_into()?),
        Kind::U64 => Value::make_u64(number()?),
        Kind::String => Value::make_string(json.as_str().ok_or("a string is missing")?.into()),
        Kind::Option => {
            let some = ty.option_some_type().filter(|_| !json.is_null());
            Value::make_option(ty, some.map(|some| from_json(&some, json)).transpose()?)?
        }
        Kind::List => match (&json["base64"], ty.list_element_type()) {
            (Json::String(text), _) => {
                Value::make_list(ty, BASE64_STANDARD.decode(text)?.into_iter().map(Value::make_u8))?
            }
            (_, Some(element)) => {
                let items = json.as_array().into_iter().flatten().map(|item| from_json(&element, item));
                Value::make_list(ty, items.collect::<Result<Vec<_>, _>>()?)?
            }
            _ => return Err("a list without elements".into()),
        },
        Kind::Record => {
            let fields =
                ty.record_fields().map(|(name, ty)| Ok::<_, Failure>((from_json(&ty, &json[&*name])?, name)));
            let (values, names): (Vec<_>, Vec<_>) =
                fields.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
            Value::make_record(ty, names.iter().map(|name| &**name).zip(values))?
        }
        other => return Err(format!("{other} does not occur in requests").into()),
    })
}

/// Converts a value of this type to JSON.
pub(super) fn to_json(ty: &Type, value: &Value) -> Result<Json, Failure> {
    Ok(match ty.kind() {
        Kind::Bool => value.unwrap_bool().into(),
        Kind::U8 => value.unwrap_u8().into(),
        Kind::U64 => value.unwrap_u64().into(),
        Kind::String => value.unwrap_string().into(),
        Kind::Enum => value.unwrap_enum().into(),
        Kind::Option => match value.unwrap_option().zip(ty.option_some_type()) {
            Some((value, ty)) => to_json(&ty, &value)?,
            None => Json::Null,
        },
        Kind::Variant => {
            let (name, payload) = value.unwrap_variant();
            let case = ty.variant_cases().find(|(case, _)| *case == name);
            tagged(&name, payload.as_deref().zip(case.and_then(|(_, ty)| ty)))?
        }
        Kind::Result => {
            let (ok, err) = ty.result_types().unwrap_or_default();
            match value.unwrap_result() {
                Ok(payload) => tagged("ok", payload.as_deref().zip(ok))?,
                Err(payload) => tagged("err", payload.as_deref().zip(err))?,
            }
        }
        Kind::List => {
            let element = ty.list_element_type().ok_or("a list without elements")?;
            if element.kind() == Kind::U8 {
                bytes(&value.unwrap_list().map(|item| item.unwrap_u8()).collect::<Vec<_>>())
            } else {
                value
                    .unwrap_list()
                    .map(|item| to_json(&element, &item))
                    .collect::<Result<Vec<_>, _>>()?
                    .into()
            }
        }
        Kind::Record => {
            let fields = ty.record_fields().zip(value.unwrap_record());
            let fields =
                fields.map(|((_, ty), (name, value))| Ok((name.into_owned(), to_json(&ty, &value)?)));
            Json::Object(fields.collect::<Result<_, Failure>>()?)
        }
        other => return Err(format!("{other} does not occur in results").into()),
    })
}

/// A variant's case, with its payload if it has one.
fn tagged(name: &str, payload: Option<(&Value, Type)>) -> Result<Json, Failure> {
    Ok(match payload {
        Some((value, ty)) => Json::Object([(name.to_owned(), to_json(&ty, value)?)].into_iter().collect()),
        None => name.into(),
    })
}
