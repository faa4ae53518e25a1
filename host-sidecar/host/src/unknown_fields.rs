//! Fields that a record does not have. The parser ignores them, so a misspelled limit would not apply.

use wasmtime::component::wasm_wave::{
    ast::{Node, NodeType},
    wasm::{WasmType, WasmTypeKind},
};

/// The first field in the value of this type that its record does not have.
pub(crate) fn find<'source, T: WasmType>(node: &Node, ty: &T, source: &'source str) -> Option<&'source str> {
    match ty.kind() {
        WasmTypeKind::Record => {
            let fields: Vec<_> = ty.record_fields().collect();
            node.as_record(source).ok()?.find_map(|(name, value)| {
                match fields.iter().find(|(field, _)| *field == name.trim_start_matches('%')) {
                    Some((_, ty)) => find(value, ty, source),
                    None => Some(name),
                }
            })
        }
        WasmTypeKind::Option => {
            let some = ty.option_some_type()?;
            // `some(…)` may be left out.
            match node.ty() {
                NodeType::OptionNone => None,
                NodeType::OptionSome => find(node.as_option().ok()??, &some, source),
                _ => find(node, &some, source),
            }
        }
        WasmTypeKind::List => {
            let element = ty.list_element_type()?;
            node.as_list().ok()?.find_map(|item| find(item, &element, source))
        }
        WasmTypeKind::Tuple => {
            node.as_tuple().ok()?.zip(ty.tuple_element_types()).find_map(|(item, ty)| find(item, &ty, source))
        }
        WasmTypeKind::Variant => {
            let (name, payload) = node.as_variant(source).ok()?;
            let (_, ty) = ty.variant_cases().find(|(case, _)| *case == name)?;
            find(payload?, &ty?, source)
        }
        WasmTypeKind::Result => {
            let (ok, err) = ty.result_types()?;
            match node.as_result().ok()? {
                Ok(payload) => find(payload?, &ok?, source),
                Err(payload) => find(payload?, &err?, source),
            }
        }
        _ => None,
    }
}
