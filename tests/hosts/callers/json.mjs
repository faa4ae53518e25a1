// Conversion between JSON with the contract's names and the values of jco.
const U64 = ["wallTimeMs", "startupTimeMs", "memoryBytes", "diskBytes", "outputBytes", "collectedBytes"];

const camelCase = (name) => name.replace(/-./g, ([, letter]) => letter.toUpperCase());
const kebabCase = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const mapEntries = (object, map) => Object.fromEntries(Object.entries(object).map(map));

export function fromJson(json, name) {
  if (json === null) return undefined;
  if (Array.isArray(json)) return json.map((item) => fromJson(item));
  if (typeof json === "number" && U64.includes(name)) return BigInt(json);
  if (typeof json !== "object") return json;
  if ("base64" in json) return Uint8Array.from(atob(json.base64), (character) => character.charCodeAt());
  return mapEntries(json, ([name, value]) => [camelCase(name), fromJson(value, camelCase(name))]);
}

export function toJson(value) {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) {
    return { base64: btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join("")) };
  }
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  if ("tag" in value) return value.val === undefined ? value.tag : { [value.tag]: toJson(value.val) };
  return mapEntries(value, ([name, item]) => [kebabCase(name), toJson(item)]);
}

/** The result of a call: jco throws an error of the contract as the payload of an exception. */
export async function result(call) {
  try {
    return { ok: toJson(await call()) };
  } catch (error) {
    if (!error.payload) throw error;
    return { err: toJson(error.payload) };
  }
}
