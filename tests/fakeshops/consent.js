// Stands for the browser's half of the WP Consent API, in a region where the buyer is asked first.
window.consent_api = { consent_type: "optin", cookie_prefix: "wp_consent" };
window.wp_has_consent = function (category) {
  return document.cookie.indexOf("wp_consent_" + category + "=allow") >= 0;
};
window.wp_set_consent = function (category, value) {
  document.cookie = "wp_consent_" + category + "=" + value + "; path=/; secure";
  var detail = {};
  detail[category] = value;
  document.dispatchEvent(new CustomEvent("wp_listen_for_consent_change", { detail: detail }));
};
