// Stands for the browser's half of the WP Consent API; window.consent_api says whether the buyer is asked first.
window.wp_has_consent = function (category) {
  var type = window.wp_consent_type || window.consent_api.consent_type;
  return !type || document.cookie.indexOf("wp_consent_" + category + "=allow") >= 0;
};
window.wp_set_consent = function (category, value) {
  document.cookie = "wp_consent_" + category + "=" + value + "; path=/; secure";
  var detail = {};
  detail[category] = value;
  document.dispatchEvent(new CustomEvent("wp_listen_for_consent_change", { detail: detail }));
};
