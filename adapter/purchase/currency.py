"""ISO 4217: which currency codes exist, and how many decimals each one has.

Source: the ISO 4217 list of active alphabetic codes. Only codes that differ from two decimals are listed apart.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG "
    "YER ZAR ZMW ZWG"
)

DECIMALS: dict[str, int] = dict.fromkeys(_TWO_DECIMALS.split(), 2) | {
    code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()
}
"""Decimals by currency code; a code that isn't here isn't an ISO 4217 currency."""


def round_to_currency(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the decimals of the currency; an unknown currency is rounded to two.

    >>> round_to_currency(Decimal("19.805"), "EUR")
    Decimal('19.81')
    """
    return amount.quantize(_STEPS[DECIMALS.get(currency, 2)], rounding=ROUND_HALF_UP)


_STEPS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(5))
