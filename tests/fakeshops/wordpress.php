<?php
/**
 * As much of WordPress and WooCommerce as the plugin touches, for `php -S`: hooks, pages, cookies, orders in files.
 * What a request finds installed is said by headers that no browser sends, which the tests' server adds.
 */

error_reporting( E_ALL );
ini_set( 'display_errors', '1' );
// A notice anywhere fails the test: the page then isn't what it should be.
set_error_handler(
	function ( $number, $message, $file, $line ) {
		http_response_code( 500 );
		echo "PHP: $message in $file:$line";
		exit;
	}
);

define( 'ABSPATH', '/' );
define( 'YEAR_IN_SECONDS', 31536000 );
define( 'FAKE_ORDERS', getenv( 'FAKE_ORDERS' ) );
define( 'FAKE_PATH', parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );

function fake_header( $name ) {
	return $_SERVER[ 'HTTP_X_FAKE_' . $name ] ?? '';
}

$fake_hooks = array();
function add_action( $name, $work, $priority = 10, $arguments = 1 ) {
	global $fake_hooks;
	$fake_hooks[ $name ][ $priority ][] = $work;
}
function add_filter( $name, $work, $priority = 10, $arguments = 1 ) {
	add_action( $name, $work, $priority, $arguments );
}
function apply_filters( $name, $value, ...$more ) {
	global $fake_hooks;
	$by_priority = $fake_hooks[ $name ] ?? array();
	ksort( $by_priority );
	foreach ( $by_priority as $works ) {
		foreach ( $works as $work ) {
			$value = call_user_func( $work, $value, ...$more );
		}
	}
	return $value;
}
function do_action( $name, ...$arguments ) {
	apply_filters( $name, ...( $arguments ? $arguments : array( null ) ) );
}

function absint( $value ) {
	return abs( (int) $value );
}
function wp_unslash( $value ) {
	return stripslashes( $value );
}
function esc_attr( $text ) {
	return htmlspecialchars( (string) $text, ENT_QUOTES, 'UTF-8' );
}
function wp_strip_all_tags( $text ) {
	return trim( strip_tags( $text ) );
}
function wp_json_encode( $value, $flags = 0 ) {
	return json_encode( $value, $flags );
}
function home_url( $path = '', $scheme = null ) {
	return 'relative' === $scheme ? $path : 'https://' . $_SERVER['HTTP_HOST'] . $path;
}
function add_query_arg( $name, $value, $url ) {
	return $url . ( false === strpos( $url, '?' ) ? '?' : '&' ) . $name . '=' . $value;
}
function is_ssl() {
	return true;
}
function status_header( $code ) {
	http_response_code( $code );
}
function wp_print_script_tag( $attributes ) {
	$text = '';
	foreach ( $attributes as $name => $value ) {
		$text .= true === $value ? " $name" : sprintf( ' %s="%s"', $name, esc_attr( $value ) );
	}
	echo "<script$text nonce=\"n0nce\"></script>\n";
}
function wp_print_inline_script_tag( $code ) {
	echo "<script nonce=\"n0nce\">$code</script>\n";
}

if ( 'yes' !== fake_header( 'NO_WOOCOMMERCE' ) ) {
	class WooCommerce {}

	class WC_Order_Item_Product {
		private $facts;
		public function __construct( $facts ) {
			$this->facts = $facts;
		}
		public function __call( $name, $arguments ) {
			return $this->facts[ substr( $name, 4 ) ]; // get_…
		}
	}

	/** An order, kept in a file as WooCommerce's own tables keep it: no post, no post meta. */
	class WC_Order {
		private $facts;
		public function __construct( $facts ) {
			$this->facts = $facts;
		}
		public function get_id() {
			return $this->facts['id'];
		}
		public function get_items() {
			$make = function ( $facts ) {
				return new WC_Order_Item_Product( $facts );
			};
			return array_map( $make, $this->facts['items'] );
		}
		public function get_meta( $key ) {
			return $this->facts['meta'][ $key ] ?? '';
		}
		public function update_meta_data( $key, $value ) {
			$this->facts['meta'][ $key ] = $value;
		}
		public function delete_meta_data( $key ) {
			unset( $this->facts['meta'][ $key ] );
		}
		public function save_meta_data() {
			$this->save();
		}
		public function save() {
			file_put_contents( FAKE_ORDERS . "/{$this->facts['id']}.json", json_encode( $this->facts ) );
		}
		public function has_status( $statuses ) {
			return in_array( $this->facts['status'], (array) $statuses, true );
		}
		public function is_paid() {
			return $this->has_status( array( 'processing', 'completed' ) );
		}
		public function __call( $name, $arguments ) {
			return $this->facts[ substr( $name, 4 ) ]; // get_…
		}
	}

	function wc_get_order( $id ) {
		$file = FAKE_ORDERS . "/$id.json";
		return is_file( $file ) ? new WC_Order( json_decode( file_get_contents( $file ), true ) ) : false;
	}
	function is_wc_endpoint_url( $name ) {
		return false !== strpos( FAKE_PATH, "/$name/" );
	}
	function get_query_var( $name ) {
		return preg_match( "#/$name/([^/]+)/#", FAKE_PATH, $found ) ? $found[1] : '';
	}
}

// The WP Consent API: where no consent plugin says that it asks, everything is allowed.
if ( 'yes' === fake_header( 'CONSENT_API' ) ) {
	function wp_get_consent_type() {
		return 'optin' === fake_header( 'CONSENT_TYPE' ) ? 'optin' : false;
	}
	function wp_has_consent( $category ) {
		return ! wp_get_consent_type() || 'allow' === ( $_COOKIE[ "wp_consent_$category" ] ?? '' );
	}
	if ( 'later' === fake_header( 'CONSENT_TYPE' ) ) {
		add_filter(
			'wp_consent_api_waitfor_consent_hook',
			function () {
				return true;
			}
		);
	}
}

if ( '/axon.js' === FAKE_PATH || '/consent.js' === FAKE_PATH ) {
	header( 'Content-Type: text/javascript' );
	readfile( __DIR__ . FAKE_PATH );
	exit;
}

foreach ( explode( ':', fake_header( 'PLUGINS' ) ) as $fake_plugin ) {
	include $fake_plugin;
}
do_action( 'plugins_loaded' );

if ( isset( $_GET['wc-ajax'] ) ) {
	do_action( 'wc_ajax_' . $_GET['wc-ajax'] );
	http_response_code( 400 );
	exit;
}

if ( '/checkout/' === FAKE_PATH && 'POST' === $_SERVER['REQUEST_METHOD'] ) {
	$fake_posted = json_decode( file_get_contents( 'php://input' ), true );
	$fake_order  = new WC_Order( $fake_posted['order'] );
	if ( 'block' === $fake_posted['checkout'] ) {
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $fake_order, null );
	} else {
		do_action( 'woocommerce_checkout_create_order', $fake_order, array() );
	}
	$fake_order->save();
	http_response_code( 201 );
	exit;
}

header( 'Content-Type: text/html; charset=utf-8' );
if ( '' !== fake_header( 'POLICY' ) ) {
	header( 'Content-Security-Policy: ' . fake_header( 'POLICY' ) );
}
echo "<!doctype html><html><head><title>A shop</title>\n<script src=\"/axon.js\" nonce=\"n0nce\"></script>\n";
if ( function_exists( 'wp_has_consent' ) ) {
	$fake_consent = array(
		'consent_type'         => wp_get_consent_type(),
		'waitfor_consent_hook' => apply_filters( 'wp_consent_api_waitfor_consent_hook', false ),
		'cookie_prefix'        => 'wp_consent',
	);
	wp_print_inline_script_tag( 'window.consent_api = ' . wp_json_encode( $fake_consent ) . ';' );
	echo "<script src=\"/consent.js\" nonce=\"n0nce\"></script>\n";
}
do_action( 'wp_head' );
echo "</head><body><h1>Thank you</h1>\n";
do_action( 'wp_footer' );
echo '</body></html>';
