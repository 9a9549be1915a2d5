// What the provider needs and Node 18, which Debian 12 has, lacks. Two things at once: hooks of the
// module loader that lead the provider here when it asks for node:crypto, and what it then gets.

import { createHash, webcrypto } from "node:crypto";

export * from "node:crypto";

export const hash = (name, data, form = "hex") => createHash(name).update(data).digest(form);

globalThis.crypto ??= webcrypto;
URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);

export const resolve = (specifier, context, next) =>
  specifier === "node:crypto" && context.parentURL?.includes("/oidc-provider/")
    ? { url: import.meta.url, shortCircuit: true }
    : next(specifier, context);
