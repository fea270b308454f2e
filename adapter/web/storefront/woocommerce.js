  // The storefront script's part for WooCommerce: the page after the checkout has the order's key in its address. The
  // plugin, if the shop has it, sets the cookies once more from the shop's own server.
  var isOnWordPressConsent = false;

  function tell(facts) {
    var key = /[?&]key=(wc_order_[A-Za-z0-9_-]+)/.exec(window.location.search);
    facts.order_key = key ? key[1] : undefined;
    if (keeper && facts.consent !== "denied") {
      once("kept " + JSON.stringify([facts.aleid, facts.alart, facts.axwrt, facts.client_id]), function (done) {
        ask("POST", keeper, null, done, nothing);
      });
    }
    post(facts);
  }

  // https://wordpress.org/plugins/wp-consent-api/ says yes to everything where no consent plugin has said that it asks,
  // or not yet: some find out by the buyer's country first.
  var platformAnswer = guarded(function () {
    var api = window.consent_api || {};
    var type = window.wp_consent_type || api.consent_type;
    if (typeof window.wp_has_consent !== "function") {
      return isOnWordPressConsent ? "wait" : "";
    }
    if (cookie((api.cookie_prefix || "wp_consent") + "_marketing") === "deny") {
      return "denied";
    }
    if (!type) {
      return api.waitfor_consent_hook ? "wait" : "";
    }
    return window.wp_has_consent("marketing") ? "granted" : "wait";
  }, "wait");

  function begin(tag) {
    isOnWordPressConsent = tag.getAttribute("data-consent") === "wordpress";
    document.addEventListener("wp_consent_type_defined", run);
    document.addEventListener(
      "wp_listen_for_consent_change",
      guarded(function (event) {
        if (event.detail.marketing) {
          take(event.detail.marketing === "allow");
        }
      })
    );
  }
