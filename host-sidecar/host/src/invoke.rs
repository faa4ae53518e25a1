//! Calls an exported function by its text, in the syntax of the wasmtime CLI: WebAssembly Value Encoding.

use crate::{
    error::HostError,
    guest::{Guest, GuestData},
    unknown_fields,
};
use wasmtime::{
    Engine, Store,
    component::{
        Component, ComponentExportIndex, Val,
        types::ComponentItem,
        wasm_wave::{untyped::UntypedFuncCall, wasm::DisplayFuncResults, wasm::WasmFunc},
    },
};

/// Characters of a call that an error repeats.
const MAX_SHOWN: usize = 100;

/// What a call has returned.
pub(crate) struct Returned {
    /// The results in the same syntax.
    pub(crate) text: String,
    /// Whether the result is an `err`.
    pub(crate) is_err: bool,
}

/// Calls the function that the text names, with its arguments.
pub(crate) async fn invoke(
    guest: &Guest,
    mut store: Store<GuestData>,
    call: &str,
) -> Result<Returned, HostError> {
    let shown: String = call.chars().take(MAX_SHOWN).collect();
    let invalid = |error: &dyn std::fmt::Display| {
        HostError::Invoke(format!(
            "--invoke {shown}: {error}; write a call with its arguments, such as ask(\"6*7\")"
        ))
    };
    let parsed = UntypedFuncCall::parse(call).map_err(|error| invalid(&error))?;
    let function = find(store.engine(), &guest.component, parsed.name())?;
    let instance = guest.linked.instantiate_async(&mut store).await?;
    let function = instance
        .get_func(&mut store, function)
        .ok_or_else(|| HostError::Invoke(format!("--invoke: {} is not exported", parsed.name())))?;
    let signature = function.ty(&store);
    let types: Vec<_> = signature.params().map(|(_, parameter)| parameter).collect();
    let values = parsed.params_node().and_then(|node| node.as_tuple().ok()).into_iter().flatten();
    let unknown = values.zip(&types).find_map(|(value, ty)| unknown_fields::find(value, ty, call));
    if let Some(name) = unknown {
        return Err(HostError::Invoke(format!("--invoke: a record has no field {name}")));
    }
    let arguments: Vec<Val> = parsed.to_wasm_params(&types).map_err(|error| invalid(&error))?;
    let mut results = vec![Val::Bool(false); WasmFunc::results(&signature).count()];
    function.call_async(&mut store, &arguments, &mut results).await?;
    let is_err = matches!(results.as_slice(), [Val::Result(Err(_))]);
    Ok(Returned { text: DisplayFuncResults(&results).to_string(), is_err })
}

/// The function of this name, which the component or one of its exported interfaces has.
fn find(engine: &Engine, component: &Component, name: &str) -> Result<ComponentExportIndex, HostError> {
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for (export, item) in component.component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => {
                names.push(export.to_owned());
                if export == name {
                    found.extend(component.get_export_index(None, export));
                }
            }
            ComponentItem::ComponentInstance(interface) => {
                let index = component.get_export_index(None, export);
                for (function, item) in interface.exports(engine) {
                    if !matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                        continue;
                    }
                    names.push(function.to_owned());
                    if function == name {
                        found.extend(component.get_export_index(index.as_ref(), function));
                    }
                }
            }
            _ => {}
        }
    }
    match found.len() {
        0 if names.is_empty() => Err(HostError::Invoke("--invoke: the component exports no function".into())),
        0 => Err(HostError::Invoke(format!(
            "--invoke: the component exports no function {name}; it exports {}",
            names.join(", ")
        ))),
        1 => Ok(found.remove(0)),
        _ => Err(HostError::Invoke(format!("--invoke: several interfaces of the component export {name}"))),
    }
}
