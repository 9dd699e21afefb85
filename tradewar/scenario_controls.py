"""The methods of `Scenario` that control quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from tradewar.rules import Rule, make_rule

if TYPE_CHECKING:
    from tradewar.scenario import Scenario

Rents = str | Mapping[str, float] | None


class QuantityControls:
    """Quotas, licences, lists, commitments and price floors; a base of `Scenario`.

    Selectors and *except_* are those of `Scenario`.  Quantities are values at base prices: a limit
    of ``quantity_ratio=0.5`` is half of what the selected flows were; ``quantity=`` is in the
    data's value_unit.  A limit holds for each product over all flows selected, or once for all
    products with ``pooled=True``.  *rents* says who gets the licence rent: one of importer_firms,
    importer_state, exporter_firms, exporter_state, waste, or a mapping of shares that sum to 1.
    In `solve_ge` firms and state of a country are one income; a rent of the exporter acts as an
    export tax, one of the importer as a duty, and a wasted one uses up resources as freight does.
    """

    __slots__ = ()

    def _and(self, rule: Rule) -> Scenario:
        raise TypeError("QuantityControls is a base of Scenario")

    def import_quota(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        quantity_ratio: float | None = None,
        quantity: float | None = None,
        pooled: bool | None = None,
        rents: Rents = None,
        except_: Any = None,
    ) -> Scenario:
        """Limit imports; buyers pay a premium to the holders of import licences.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        quantity_ratio, quantity : float > 0
            The limit, exactly one; see the class.
        pooled : bool, default False
        rents : default importer_firms

        Notes
        -----
        ``0 <= lm, limit - sum q >= 0``, one of them zero; buyer price ``u = b F T + lm`` in base
        border prices.  An auctioned quota (rents to importer_state) acts like the tariff that
        lets in the same quantity.
        """
        rule = make_rule(
            "import_quota",
            importer=importer,
            exporter=exporter,
            product=product,
            quantity_ratio=quantity_ratio,
            quantity=quantity,
            pooled=pooled,
            rents=rents,
            except_=except_,
        )
        return self._and(rule)

    def export_quota(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        quantity_ratio: float | None = None,
        quantity: float | None = None,
        pooled: bool | None = None,
        rents: Rents = None,
        except_: Any = None,
    ) -> Scenario:
        """Limit exports or license their volume; the border price carries a premium.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        quantity_ratio, quantity : float > 0
            The limit, exactly one; see the class.
        pooled : bool, default False
        rents : default exporter_firms

        Notes
        -----
        ``0 <= lx, limit - sum q >= 0``, one of them zero; border price ``b = p A + lx``, on which
        duty is due.  With rents to exporter_state it acts like the export tax ``lx / p``.
        """
        rule = make_rule(
            "export_quota",
            importer=importer,
            exporter=exporter,
            product=product,
            quantity_ratio=quantity_ratio,
            quantity=quantity,
            pooled=pooled,
            rents=rents,
            except_=except_,
        )
        return self._and(rule)

    def trq(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        quantity_ratio: float | None = None,
        quantity: float | None = None,
        in_rate: float | None = None,
        over_rate: float,
        rents: Rents = None,
        except_: Any = None,
    ) -> Scenario:
        """Tax imports at one rate up to a quantity and at a higher one above it.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        quantity_ratio, quantity : float > 0
            The quota, exactly one; see the class.
        in_rate : float, fraction, optional
            Rate inside the quota; by default the rate that stands, if it is one for all flows.
        over_rate : float, fraction >= in_rate
            Rate above the quota.
        rents : default importer_firms

        Notes
        -----
        Buyers pay ``T = 1 + in_rate + r``: r = 0 below the quota, ``over_rate - in_rate`` above
        it, and between the two where the quota is just filled.  Licences inside the quota earn r.
        """
        rule = make_rule(
            "trq",
            importer=importer,
            exporter=exporter,
            product=product,
            quantity_ratio=quantity_ratio,
            quantity=quantity,
            in_rate=in_rate,
            over_rate=over_rate,
            rents=rents,
            except_=except_,
        )
        return self._and(rule)

    def licence(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        approval: float = 1.0,
        delay_cost: float = 0.0,
        except_: Any = None,
    ) -> Scenario:
        """Subject trade to licences that are granted in part and cost time.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        approval : float, fraction in (0, 1], default 1
            Share of varieties that are approved; below 1 it needs substitution above 1.
        delay_cost : float, fraction >= 0, default 0
            Added to other trade costs, a resource cost.

        Notes
        -----
        The origin's weight in the CES nest is multiplied by approval, F grows by delay_cost.
        """
        rule = make_rule(
            "licence",
            importer=importer,
            exporter=exporter,
            product=product,
            approval=approval,
            delay_cost=delay_cost,
            except_=except_,
        )
        return self._and(rule)

    def entity_list(
        self,
        *,
        side: Literal["buyers", "sellers"],
        share: float,
        leakage: float = 0.0,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        except_: Any = None,
    ) -> Scenario:
        """Bar listed firms from buying, or from selling.

        Parameters
        ----------
        side : {"buyers", "sellers"}
            "buyers": firms of the importer that may not buy from the exporter.  "sellers": firms
            of the exporter that may not sell to the importer.
        share : float, fraction in (0, 1]
            Of the destination's spending on the product, or of the origin's sales.
        leakage : float, fraction in [0, 1), default 0
            Part of the listed share that trades all the same.
        importer, exporter, product, except_ : selectors

        Notes
        -----
        With z = share (1 - leakage).  Buyers: the destination is split into a listed part z, in
        whose nest the origin is missing, and the rest; each has its own price index and the
        result reports them together.  Sellers: the origin's weight is multiplied by 1 - z.  In
        `solve_ge` a destination has one price index, shared by listed buyers and the rest, so that
        a list of buyers multiplies the origin's weight by 1 - z too.
        """
        rule = make_rule(
            "entity_list",
            importer=importer,
            exporter=exporter,
            product=product,
            share=share,
            side=side,
            leakage=leakage,
            except_=except_,
        )
        return self._and(rule)

    def purchase_commitment(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        quantity_ratio: float | None = None,
        quantity: float | None = None,
        value: float | None = None,
        pooled: bool | None = None,
        rents: Rents = None,
        except_: Any = None,
    ) -> Scenario:
        """Commit buyers to purchases of at least an amount.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        quantity_ratio, quantity : float > 0
            The floor in quantity; see the class.
        value : float > 0, value_unit
            The floor in value at current border prices; always over all products together.
        pooled : bool, default False
        rents : default importer_state
            Who pays the subsidy.

        Notes
        -----
        ``0 <= s, sum - floor >= 0``, one of them zero; buyers pay ``u = b F T (1 - s)`` and the
        payer the rest, a cost to its country.
        """
        rule = make_rule(
            "purchase_commitment",
            importer=importer,
            exporter=exporter,
            product=product,
            quantity_ratio=quantity_ratio,
            quantity=quantity,
            value=value,
            pooled=pooled,
            rents=rents,
            except_=except_,
        )
        return self._and(rule)

    def min_import_price(
        self,
        *,
        importer: Any = "*",
        exporter: Any = "*",
        product: Any = "*",
        ratio: float,
        rents: Rents = None,
        except_: Any = None,
    ) -> Scenario:
        """Put a floor under border prices: a minimum import price or a price undertaking.

        Parameters
        ----------
        importer, exporter, product, except_ : selectors
        ratio : float > 0
            Least border price, in base border prices.
        rents : default exporter_firms

        Notes
        -----
        ``b = max(p A + lx, ratio)``; the lift above ``p A`` is the rent.  `solve_ge` refuses it:
        there is no fixed price to hold it against where wages move.
        """
        rule = make_rule(
            "min_import_price",
            importer=importer,
            exporter=exporter,
            product=product,
            ratio=ratio,
            rents=rents,
            except_=except_,
        )
        return self._and(rule)
