"""What runs in the shop: the storefront script, Shopify's custom pixel and the WooCommerce plugin, made for each shop.

The files that aren't Python are templates; `rendering` fills them in, `snippets` says what is to be pasted where.
"""
