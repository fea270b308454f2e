  // The storefront script's part for Shopify: what a cart's attributes hold, its order holds too.
  // https://shopify.dev/docs/api/ajax/reference/cart
  var isLoadingConsent = false;
  var turn = 0;

  function wantedAttributes(facts, cart) {
    if (facts.consent === "denied") {
      return { _axon_event_id: "", _axon_client_id: "", _axon_alart: "", _order_adapter_id: "", ad_consent: "denied" };
    }
    return {
      _axon_event_id: facts.aleid,
      _axon_client_id: facts.axwrt,
      _axon_alart: facts.alart,
      // Everybody has one: for its sake alone no cart is begun.
      _order_adapter_id: cart.item_count > 0 ? facts.client_id : undefined,
      ad_consent: facts.consent
    };
  }

  function changes(wanted, present) {
    var found = {};
    var any = false;
    for (var name in wanted) {
      if (wanted[name] !== undefined && wanted[name] !== (present[name] || "")) {
        found[name] = wanted[name];
        any = true;
      }
    }
    return any && found;
  }

  var parsed = guarded(function (text) {
    return JSON.parse(text);
  }, {});

  function tell(facts) {
    var mine = (turn += 1);
    var root = (window.Shopify && window.Shopify.routes && window.Shopify.routes.root) || "/";
    function withCart(text) {
      var cart = parsed(text);
      var changed = changes(wantedAttributes(facts, cart), cart.attributes || {});
      if (mine !== turn) {
        return;
      }
      // While the cart is empty its token is another one each time.
      if (cart.item_count > 0 && cart.token) {
        facts.cart_token = cart.token.split("?")[0];
      }
      post(facts);
      if (changed && cart.token) {
        ask("POST", root + "cart/update.js", JSON.stringify({ attributes: changed }), nothing, nothing);
      }
    }
    ask("GET", root + "cart.js", null, withCart, withCart);
  }

  // https://shopify.dev/docs/api/customer-privacy
  var platformAnswer = guarded(function () {
    var privacy = window.Shopify && window.Shopify.customerPrivacy;
    if (!privacy || !privacy.currentVisitorConsent) {
      return isLoadingConsent ? "wait" : "";
    }
    var answers = privacy.currentVisitorConsent() || {};
    if (answers.marketing === "no" || answers.sale_of_data === "no") {
      return "denied";
    }
    return privacy.marketingAllowed() ? "granted" : "wait";
  }, "wait");

  // A product that a page adds by itself gives the cart its token, and the checkout's pages run no script of ours.
  var watchCart = guarded(function () {
    new window.PerformanceObserver(
      guarded(function (list) {
        if (/\/cart\/(add|change)\b/.test(JSON.stringify(list.getEntries()))) {
          told = "";
          run();
        }
      })
    ).observe({ type: "resource" });
  });

  var loadConsent = guarded(function () {
    if (window.Shopify && window.Shopify.loadFeatures && !window.Shopify.customerPrivacy) {
      isLoadingConsent = true;
      window.Shopify.loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], function () {
        isLoadingConsent = false;
        run();
      });
    }
  });

  function begin() {
    document.addEventListener(
      "visitorConsentCollected",
      guarded(function (event) {
        take(event.detail.marketingAllowed && event.detail.saleOfDataAllowed !== false);
      })
    );
    loadConsent();
    watchCart();
  }
