<?php
/**
 * Plugin Name: Order adapter
 * Description: Keeps an ad click's identifiers in the order, prints the storefront script and the pixel's purchase.
 * Version: __VERSION__
 *
 * Put this file into wp-content/mu-plugins; nothing has to be activated. It was made for the shop "__SHOP__" by
 * `adapter snippets`; make it again when the shop's mapping file changes. Two filters let you change what it does:
 *   order_adapter_consent   ( 'granted', 'denied' or '' )   the buyer's answer, for a banner without the WP Consent API
 *   order_adapter_purchase  ( array $purchase, $order )     what the pixel is told
 *
 * The pixel is told the ids of product and variation, the items' value after discounts, tax and shipping: what the
 * adapter's own mapping file sends. Axon merges both purchases, so when [event.data] says something else, as a SKU for
 * item_id, the second filter has to say the same. It must be what your pixel tells for view_item, too.
 */

if ( ! defined( 'ABSPATH' ) ) {
	return;
}

if ( ! class_exists( 'Order_Adapter_Storefront', false ) ) {

	/** Everything the plugin does; a second copy of the file does nothing. */
	final class Order_Adapter_Storefront {

		const SCRIPT   = __SCRIPT__;
		const REQUIRED = __REQUIRED__;
		const DOMAIN   = __DOMAIN__;
		const COUNT    = __COUNT__;

		// The pixel and the server must send the same dedupe_id: this, the order's id, and that. Null: they can't.
		const DEDUPE = __DEDUPE__;

		// By the order's meta key the cookies that may hold its value, the first that does.
		const META = array(
			'_axon_event_id'    => array( __ALEID__ ),
			'_axon_client_id'   => array( '_axwrt', __AXWRT__ ),
			'_axon_alart'       => array( __ALART__ ),
			'_order_adapter_id' => array( __CLIENT_ID__ ),
		);

		const FIRED = '_order_adapter_pixel';

		/** Hook in, where WooCommerce is there. */
		public static function start() {
			if ( ! class_exists( 'WooCommerce', false ) ) {
				return;
			}
			add_action( 'wp_head', array( self::class, 'print_script' ), 1 );
			add_action( 'wc_ajax_order_adapter', array( self::class, 'keep_cookies' ) );
			// The classic checkout, and the one made of blocks, which doesn't run the classic one's hooks.
			add_action( 'woocommerce_checkout_create_order', array( self::class, 'write_into' ) );
			add_action( 'woocommerce_store_api_checkout_update_order_from_request', array( self::class, 'write_into' ) );
			add_action( 'wp_footer', array( self::class, 'print_purchase' ), 100 );
		}

		/** Print the storefront script on every page. */
		public static function print_script() {
			$attributes = array(
				'src'       => self::SCRIPT,
				'defer'     => true,
				'data-keep' => add_query_arg( 'wc-ajax', 'order_adapter', home_url( '/', 'relative' ) ),
			);
			if ( function_exists( 'wp_has_consent' ) ) {
				$attributes['data-consent'] = 'wordpress';
			}
			wp_print_script_tag( $attributes );
		}

		/**
		 * Set the cookies of the asking browser once more, for a year: what a shop's own server sets outlives the seven
		 * days that Safari gives to a script's cookies. WooCommerce's own address for such requests is never cached.
		 */
		public static function keep_cookies() {
			if ( self::may_keep() ) {
				self::set( __ALEID__, self::cookie( __ALEID__ ) );
				self::set( __AXWRT__, self::first( array( '_axwrt', __AXWRT__ ) ) );
				self::set( __ALART__, self::cookie( __ALART__ ) );
				self::set( __CLIENT_ID__, self::cookie( __CLIENT_ID__ ) );
				self::set( __CONSENT__, self::cookie( __CONSENT__ ) );
			}
			status_header( 204 );
			exit;
		}

		/** Write identifiers and consent into a new order, before it is saved for the first time. */
		public static function write_into( $order ) {
			$answer = self::answer();
			foreach ( self::META as $key => $cookies ) {
				$value = self::may_keep() ? self::first( $cookies ) : '';
				if ( '' !== $value ) {
					$order->update_meta_data( $key, $value );
				} elseif ( 'denied' === $answer ) {
					$order->delete_meta_data( $key );
				}
			}
			if ( '' !== $answer ) {
				$order->update_meta_data( 'ad_consent', $answer );
			}
		}

		/** Tell the pixel of the purchase on the page after the checkout, once: a reload prints nothing. */
		public static function print_purchase() {
			$order = self::order_of_this_page();
			if ( null === $order || null === self::DEDUPE || ! self::may_keep() || ! self::counts( $order ) ) {
				return;
			}
			if ( '' !== (string) $order->get_meta( self::FIRED ) ) {
				return;
			}
			$order->update_meta_data( self::FIRED, '1' );
			$order->save_meta_data();
			$purchase = apply_filters( 'order_adapter_purchase', self::purchase( $order ), $order );
			$options  = array( 'dedupe_id' => self::DEDUPE[0] . $order->get_id() . self::DEDUPE[1] );
			wp_print_inline_script_tag( self::call( $purchase, $options ) );
		}

		/** The order whose "order received" page this is. Only who knows its key is shown what it holds. */
		private static function order_of_this_page() {
			if ( ! is_wc_endpoint_url( 'order-received' ) || ! isset( $_GET['key'] ) || ! is_string( $_GET['key'] ) ) {
				return null;
			}
			$order = wc_get_order( absint( get_query_var( 'order-received' ) ) );
			if ( ! $order instanceof WC_Order || '' === $order->get_order_key() ) {
				return null;
			}
			return hash_equals( $order->get_order_key(), wp_unslash( $_GET['key'] ) ) ? $order : null;
		}

		/** Whether the adapter counts this order too, at this moment: the mapping file's [orders] count. */
		private static function counts( $order ) {
			if ( 'placed' === self::COUNT ) {
				return ! $order->has_status( array( 'failed', 'cancelled', 'refunded', 'trash', 'checkout-draft' ) );
			}
			$is_held = $order->has_status( 'on-hold' ) && '' !== (string) $order->get_transaction_id();
			return $order->is_paid() || ( 'authorized' === self::COUNT && $is_held );
		}

		/** What the pixel is told, in the adapter's figures: items after discounts, without tax and shipping. */
		private static function purchase( $order ) {
			$items = array();
			$value = 0.0;
			foreach ( $order->get_items() as $item ) {
				$quantity = (float) $item->get_quantity();
				$total    = (float) $item->get_total();
				if ( $quantity > 0 && $total >= 0 ) {
					$items[] = self::item( $item, $total, $quantity );
					$value  += $total;
				}
			}
			return array(
				'currency'       => $order->get_currency(),
				'items'          => $items,
				'transaction_id' => (string) $order->get_id(),
				'value'          => round( $value, 6 ),
				'tax'            => round( (float) $order->get_total_tax(), 6 ),
				'shipping'       => round( (float) $order->get_shipping_total(), 6 ),
			);
		}

		private static function item( $item, $total, $quantity ) {
			$name = wp_strip_all_tags( html_entity_decode( $item->get_name(), ENT_QUOTES, 'UTF-8' ) );
			$told = array(
				'item_id'   => $item->get_product_id() ? (string) $item->get_product_id() : $name,
				'item_name' => $name,
				'price'     => round( $total / $quantity, 6 ),
				'quantity'  => $quantity,
			);
			if ( $item->get_variation_id() ) {
				$told['item_variant_id'] = (string) $item->get_variation_id();
			}
			return $told;
		}

		/** The pixel's call, which waits up to ten seconds for the pixel to load. */
		private static function call( $purchase, $options ) {
			$arguments = self::json( $purchase ) . ', ' . self::json( $options );
			return '(function (purchase, options) { var tries = 0; (function call() {'
				. ' if (typeof window.axon === "function") { window.axon("track", "purchase", purchase, options); }'
				. ' else if (tries < 50) { tries += 1; window.setTimeout(call, 200); }'
				. ' })(); })(' . $arguments . ');';
		}

		/** JSON that can end neither a script nor an attribute. */
		private static function json( $value ) {
			return wp_json_encode( $value, JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS | JSON_HEX_QUOT );
		}

		/** The buyer's answer: 'granted', 'denied', or '' while there is none. https://wordpress.org/plugins/wp-consent-api/ */
		private static function answer() {
			$answer = '';
			$told   = self::cookie( apply_filters( 'wp_consent_cookie_prefix', 'wp_consent' ) . '_marketing' );
			if ( 'deny' === $told ) {
				$answer = 'denied';
			} elseif ( ! self::is_asked() ) {
				// Set by the script when a banner of another kind told it of the buyer's yes.
				$answer = 'granted' === self::cookie( __CONSENT__ ) ? 'granted' : '';
			} elseif ( wp_get_consent_type() ? wp_has_consent( 'marketing' ) : 'allow' === $told ) {
				$answer = 'granted';
			}
			$answer = apply_filters( 'order_adapter_consent', $answer );
			return in_array( $answer, array( 'granted', 'denied' ), true ) ? $answer : '';
		}

		/** Whether a consent plugin asks the buyer. The WP Consent API says yes to everything where none does. */
		private static function is_asked() {
			return function_exists( 'wp_has_consent' )
				&& ( wp_get_consent_type() || apply_filters( 'wp_consent_api_waitfor_consent_hook', false ) );
		}

		private static function may_keep() {
			$answer = self::answer();
			return '' === $answer ? ! self::REQUIRED && ! self::is_asked() : 'granted' === $answer;
		}

		private static function first( $cookies ) {
			foreach ( $cookies as $name ) {
				if ( '' !== self::cookie( $name ) ) {
					return self::cookie( $name );
				}
			}
			return '';
		}

		/** The cookie's value, or '' when it has none that Axon takes. PHP itself would read "+" as a blank. */
		private static function cookie( $name ) {
			$sent = isset( $_SERVER['HTTP_COOKIE'] ) ? (string) $_SERVER['HTTP_COOKIE'] : '';
			if ( ! preg_match( '/(?:^|;\s*)' . preg_quote( $name, '/' ) . '=([^;]*)/', $sent, $found ) ) {
				return '';
			}
			$value = rawurldecode( trim( $found[1] ) );
			return preg_match( '/^[A-Za-z0-9._~:|+\/=!*@%-]{1,512}$/D', $value ) ? $value : '';
		}

		private static function set( $name, $value ) {
			if ( '' === $value || headers_sent() ) {
				return;
			}
			setrawcookie(
				$name,
				rawurlencode( $value ),
				array(
					'expires'  => time() + YEAR_IN_SECONDS,
					'path'     => '/',
					'domain'   => self::DOMAIN,
					'secure'   => is_ssl(),
					'httponly' => false, // The pixel reads them.
					'samesite' => 'Lax',
				)
			);
		}
	}

	add_action( 'plugins_loaded', array( 'Order_Adapter_Storefront', 'start' ) );
}
