// The order adapter's storefront script. It keeps an ad click's identifiers in cookies of this shop and tells them to
// the adapter, once per session and value, so that they are found again when the order comes.
(function (window, document, settings) {
  "use strict";

  var YEAR = 31536000; // Seconds.
  var COOKIES = settings.cookies;
  var IDENTIFIER = /^[A-Za-z0-9._~:|+\/=!*@%-]{1,512}$/;
  var MEMORY = "order_adapter";

  var address, keeper;
  var arrived = {}; // What this page's address brought, until a cookie has it: then another tab's click may be newer.
  var kept = false;
  var said = ""; // The buyer's answer, as told by the page or by a consent event: "granted" or "denied".
  var told = "";
  var sent = "";

  // Whatever happens here, the shop's page must not notice.
  function guarded(work, otherwise) {
    return function () {
      try {
        return work.apply(this, arguments);
      } catch (ignored) {
        return otherwise;
      }
    };
  }

  function nothing() {}

  function clean(text) {
    var decoded = decodeURIComponent(text);
    return IDENTIFIER.test(decoded) ? decoded : "";
  }

  var parameter = guarded(function (name) {
    var found = new RegExp("[?&]" + name + "=([^&#]*)").exec(window.location.search);
    return found ? clean(found[1]) : "";
  });

  var cookie = guarded(function (name) {
    var parts = ("; " + document.cookie).split("; " + name + "=");
    return parts.length > 1 ? clean(parts[1].split(";")[0]) : "";
  });

  function write(name, value, seconds, domain) {
    var secure = window.location.protocol === "https:" ? "; secure" : "";
    var place = domain ? "; domain=" + domain : "";
    document.cookie =
      name + "=" + encodeURIComponent(value) + "; path=/; max-age=" + seconds + "; samesite=lax" + secure + place;
  }

  // The pixel or a server may have set it for any of the domains above this page.
  var forget = guarded(function (name) {
    var labels = window.location.hostname.split(".");
    write(name, "", 0);
    for (; labels.length > 1; labels.shift()) {
      write(name, "", 0, labels.join("."));
    }
  });

  function ownDomain() {
    var host = "." + window.location.hostname;
    var domain = settings.domain;
    return domain && host.slice(-domain.length - 1) === "." + domain ? domain : "";
  }

  // Safari gives a script's cookies seven days, so they are written anew on each page; but one that a server may have
  // set, for a year, is left alone while it is right.
  var keep = guarded(function (name, value) {
    var isSetByServer = settings.domain || keeper;
    if (!value || (isSetByServer && cookie(name) === value)) {
      return;
    }
    write(name, value, YEAR, ownDomain());
    if (cookie(name) !== value) {
      forget(name);
      write(name, value, YEAR, ownDomain());
    }
  });

  var newId = guarded(function () {
    var bytes = new Uint8Array(16);
    var text = "";
    (window.crypto || window.msCrypto).getRandomValues(bytes);
    for (var at = 0; at < bytes.length; at += 1) {
      text += (256 + bytes[at]).toString(16).slice(1);
    }
    return text;
  });

  function identifiers() {
    return {
      aleid: arrived.aleid || cookie(COOKIES.aleid) || parameter("aleid") || undefined,
      alart: arrived.alart || cookie(COOKIES.alart) || parameter("alart") || undefined,
      axwrt: cookie("_axwrt") || cookie(COOKIES.axwrt) || undefined,
      client_id: cookie(COOKIES.client_id) || newId() || undefined
    };
  }

  function keepAll(found) {
    for (var name in COOKIES) {
      keep(COOKIES[name], found[name]);
      if (cookie(COOKIES[name]) === arrived[name]) {
        arrived[name] = "";
      }
    }
    kept = hasId();
    // An id that no cookie keeps is another one on the next page.
    if (cookie(COOKIES.client_id) !== found.client_id) {
      found.client_id = undefined;
    }
  }

  function hasId() {
    return cookie(COOKIES.client_id) !== "";
  }

  var remembered = guarded(function () {
    return window.sessionStorage.getItem(MEMORY) || "";
  }, "");

  var remember = guarded(function (line) {
    window.sessionStorage.setItem(MEMORY, remembered() + line);
  });

  function forgetAll() {
    for (var name in COOKIES) {
      forget(COOKIES[name]);
    }
    guarded(function () {
      window.sessionStorage.removeItem(MEMORY);
    })();
  }

  // Says it only when it's new to this session, and calls `say` with what to do once it has arrived. By then the buyer
  // may have refused, and the answer may have set the cookies again.
  function once(words, say) {
    var line = words + "\n";
    if ((sent + remembered()).indexOf(line) < 0) {
      sent += line;
      say(function () {
        if (consent() === "denied") {
          forgetAll();
        } else {
          remember(line);
        }
      });
    }
  }

  function send(body, done) {
    var beacon = guarded(function () {
      if (window.navigator.sendBeacon(address, body)) {
        done();
      }
    });
    if (!window.fetch) {
      beacon();
      return;
    }
    // Text needs no preflight, and a page that is left lets a request with keepalive go on.
    window.fetch(address, { method: "POST", body: body, credentials: "include", keepalive: true }).then(
      guarded(function (answer) {
        if (answer.status < 500 && answer.status !== 429) {
          done();
        }
      }),
      beacon
    );
  }

  // A browser's own id, of which nothing else is known, is worth nothing to anybody.
  function isWorthTelling(facts) {
    var known = facts.aleid || facts.alart || facts.axwrt || facts.consent === "denied";
    return facts.cart_token || facts.order_key || (facts.client_id && known);
  }

  function post(facts) {
    if (!isWorthTelling(facts)) {
      return;
    }
    once(JSON.stringify(facts), function (done) {
      facts.page_url = window.location.protocol + "//" + window.location.host + window.location.pathname;
      send(JSON.stringify(facts), done);
    });
  }

  function ask(method, url, body, use, otherwise) {
    var request = new XMLHttpRequest();
    request.open(method, url);
    request.onerror = guarded(otherwise);
    request.onload = guarded(function () {
      if (request.status < 400) {
        use(request.responseText);
      } else {
        otherwise();
      }
    });
    request.setRequestHeader("Content-Type", "application/json");
    request.send(body);
  }

  // What differs by the shop's platform: platformAnswer(), its consent API's word; tell(facts); begin(tag).
__PLATFORM__
  // Consent: "granted", "denied", "wait" for an answer, or "" where nobody asks. A refusal may have been given in another
  // tab. Where cookies of ours have gone since, somebody took them back: then this page waits to be told again.
  function consent() {
    var answer = platformAnswer();
    if (answer === "denied" || said === "denied") {
      return "denied";
    }
    if (kept && !hasId()) {
      return "wait";
    }
    return said || answer || (settings.required ? "wait" : "");
  }

  var run = guarded(function () {
    var answer = consent();
    var facts = { consent: "denied" };
    var refused = "";
    if (answer === "wait") {
      return;
    }
    if (answer === "denied") {
      refused = cookie(COOKIES.client_id); // Under this id the adapter may have something to delete.
      forgetAll();
    } else {
      facts = identifiers();
      facts.consent = answer || undefined;
      keepAll(facts);
    }
    if (told === JSON.stringify(facts)) {
      return;
    }
    told = JSON.stringify(facts);
    facts.client_id = facts.client_id || refused || undefined;
    tell(facts);
  });

  function take(answered) {
    said = answered ? "granted" : "denied";
    kept = false;
    run();
  }

  function listen() {
    window.orderAdapterConsent = guarded(function (word) {
      take(word === "granted" || word === true);
    });
    // The pixel, which sets _axwrt, and the shop's consent banner may come after us; and whoever comes back to this page
    // may find it as it was left.
    window.addEventListener("pageshow", run);
    window.setTimeout(run, 3000);
  }

  guarded(function () {
    var early = window.orderAdapterConsent;
    var tag = document.currentScript || document.querySelector('script[src*="/storefront/' + settings.shop + '.js"]');
    if (typeof early === "function") {
      return; // The script is on this page twice.
    }
    address = tag.src.replace(/\/storefront\/.*$/, "/clicks/" + settings.shop);
    keeper = tag.getAttribute("data-keep");
    said = early === "granted" || early === "denied" ? early : "";
    arrived = { aleid: parameter("aleid"), alart: parameter("alart") };
    listen();
    begin(tag);
    run();
  })();
})(window, document, __SETTINGS__);
