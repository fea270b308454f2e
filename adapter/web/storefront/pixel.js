// The order adapter's custom pixel, for the checkout that scripts of the theme can't reach. Paste all of it at
// Settings › Customer events › Add custom pixel. Under "Customer privacy" choose what lets it run for every buyer
// (permission "Not required"): it looks at the consent itself. Of a buyer who refused, or whom Shopify lets nobody market
// to as long as there is no answer, it tells a refusal alone, and the order isn't sent.
const CLICKS = __CLICKS__;

const NAMES = __NAMES__;

const IDENTIFIER = /^[A-Za-z0-9._~:|+/=!*@%-]{1,512}$/;

// Shopify's word at the start of the page; a later answer replaces it.
let privacy = init.customerPrivacy;

try {
  api.customerPrivacy.subscribe("visitorConsentCollected", (event) => {
    privacy = event.customerPrivacy;
  });
} catch (ignored) {}

function clean(text) {
  try {
    const decoded = decodeURIComponent(text || "");
    return IDENTIFIER.test(decoded) ? decoded : undefined;
  } catch (malformed) {
    return undefined;
  }
}

async function cookie(name) {
  try {
    return clean(await browser.cookie.get(name));
  } catch (unavailable) {
    return undefined;
  }
}

async function first(cookies, attribute) {
  for (const name of cookies) {
    const value = await cookie(name);
    if (value) {
      return value;
    }
  }
  return clean(attribute);
}

async function identifiers(attributes) {
  return {
    aleid: await first([NAMES.aleid], attributes._axon_event_id),
    alart: await first([NAMES.alart], attributes._axon_alart),
    axwrt: await first(["_axwrt", NAMES.axwrt], attributes._axon_client_id),
    client_id: await first([NAMES.client_id], attributes._order_adapter_id),
  };
}

function answer(attributes) {
  if (attributes.ad_consent === "denied") {
    return "denied";
  }
  if (!privacy) {
    return attributes.ad_consent === "granted" ? "granted" : undefined;
  }
  return privacy.marketingAllowed && privacy.saleOfDataAllowed !== false ? "granted" : "denied";
}

analytics.subscribe("checkout_completed", async (event) => {
  try {
    const checkout = event.data.checkout;
    const attributes = {};
    for (const { key, value } of checkout.attributes || []) {
      attributes[key] = value;
    }
    const consent = answer(attributes);
    if (!consent && __REQUIRED__) {
      return;
    }
    const found = consent === "denied" ? {} : await identifiers(attributes);
    const body = JSON.stringify({ checkout_token: checkout.token, ...found, consent });
    if (consent || Object.values(found).some(Boolean)) {
      await fetch(CLICKS, { method: "POST", body, keepalive: true, credentials: "omit" });
    }
  } catch (ignored) {}
});
