// A certified OpenID Connect provider for the tests of social login, on a port of this machine.
//
//   node provider.mjs '{"port", "clientId", "clientSecret", "redirectUris", "emailInIdToken"}'
//
// It enforces what Lacewing promises to do: PKCE by S256, HTTP Basic at the token endpoint, exact
// redirect URIs. Whoever signs in as NAME has the email NAME@example.com; that of a name which
// begins with "unverified" is not verified.

import * as nodeCrypto from "node:crypto";
import { register } from "node:module";

if (!("hash" in nodeCrypto)) {
  register("./old_node.mjs", import.meta.url);
  await import("./old_node.mjs");
}
const { Provider } = await import("oidc-provider");

const given = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${given.port}`;

const { privateKey } = nodeCrypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
const signingKey = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "first" };

const findAccount = (_, name) => ({
  accountId: name,
  claims: () => ({
    sub: name,
    email: `${name}@example.com`,
    email_verified: !name.startsWith("unverified"),
    name: `${name[0].toUpperCase()}${name.slice(1)} Example`,
  }),
});

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: given.clientId,
      client_secret: given.clientSecret,
      redirect_uris: given.redirectUris,
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: !given.emailInIdToken,
  cookies: { keys: [nodeCrypto.randomBytes(32).toString("hex")] },
  features: { devInteractions: { enabled: true } },
  findAccount,
  jwks: { keys: [signingKey] },
  pkce: { required: () => true },
});

provider.listen(given.port, "127.0.0.1", () => console.log(issuer));
