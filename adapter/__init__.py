"""The order adapter: signed orders of Shopify and WooCommerce become purchase events at AppLovin's Conversion API.

Data enters at one edge and leaves at the other; each step has its own noun:

    webhook → verified (platforms) → row on disk (intake, storage) → 200

    due row → Order (platforms) + click identifiers (storage) → event (purchase) → batch (axon) → settled (delivery)

Imports only go down: app and cli, web, operations, intake and delivery, platforms and axon and storage, shops,
purchase, settings. `purchase` is pure thinking, `storage` alone knows SQL, `axon` alone talks to the Conversion API.
"""

__version__ = "0.1.0"
