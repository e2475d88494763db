"""Models of an imaginary adopter, to try the kernel on."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models.functions import Now


class Product(models.Model):
    """One row, with a key that the database grants and a unique value."""

    name = models.CharField(max_length=20, unique=True)
    stock = models.IntegerField(default=0)
    note = models.TextField(default="", blank=True)
    version = models.IntegerField(default=0)

    def __repr__(self) -> str:
        return f"<Product {self.name}>"


class Order(models.Model):
    """A parent with a key of its own making, and children."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    customer = models.CharField(max_length=20)
    changed = models.DateTimeField(auto_now=True)
    tags = models.JSONField(default=list)


class Line(models.Model):
    """A child of an order and of a product."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True)
    qty = models.IntegerField()


class BasketRow(models.Model):
    """The root of an aggregate of plain objects."""

    owner = models.CharField(max_length=20, unique=True)
    version = models.IntegerField(default=0)


class ItemRow(models.Model):
    """A part of that aggregate."""

    basket = models.ForeignKey(BasketRow, on_delete=models.CASCADE)
    name = models.CharField(max_length=20)
    qty = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["basket", "name"], name="item_once")]


class Premium(Product):
    """A model over two tables: refused at declaration."""

    discount = models.IntegerField(default=0)


class Squared(models.Model):
    """A model with a column that nobody can write: refused at declaration."""

    side = models.IntegerField()
    area = models.GeneratedField(
        expression=models.F("side") * models.F("side"),
        output_field=models.IntegerField(),
        db_persist=True,
    )


class VisibleProducts(models.Manager["Discontinued"]):
    """A manager as adopters have it: it hides some rows."""

    def get_queryset(self) -> models.QuerySet[Discontinued]:
        return super().get_queryset().filter(hidden=False)


class Discontinued(models.Model):
    """A model whose default manager is a custom one."""

    name = models.CharField(max_length=20)
    hidden = models.BooleanField(default=False)

    objects = VisibleProducts()


class Account(models.Model):
    """What the README transfers money between."""

    balance = models.IntegerField()
    version = models.IntegerField(default=0)


class Category(models.Model):
    """A tree: it refers to itself."""

    name = models.CharField(max_length=20)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True)


class Defaults(models.Model):
    """Columns whose values the database makes up."""

    name = models.CharField(max_length=60)
    created = models.DateTimeField(db_default=Now())
    level = models.IntegerField(db_default=7)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    secret = models.BinaryField(default=b"")
    took = models.DurationField(null=True)


class Ticket(models.Model):
    """Nothing in it has to be given."""

    level = models.IntegerField(db_default=1)
    issued = models.DateTimeField(db_default=Now())


class Number(models.Model):
    """Nothing but a key that the database grants."""


class Turnstile(models.Model):
    """Nothing but a key that has a default in the database."""

    place = models.CharField(max_length=20, primary_key=True, db_default="entrance")


class RandomText(models.Func):
    """Another one each time."""

    template = "md5(random()::text)"
    arity = 0
    allowed_default = True
    output_field = models.CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="hex(randomblob(16))", **context)


class Coupon(models.Model):
    """A key that the database makes up by a default of its own."""

    code = models.CharField(max_length=32, primary_key=True, db_default=RandomText())
    percent = models.IntegerField(db_default=10)


class Redemption(models.Model):
    """Refers to such a key."""

    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE)


class Country(models.Model):
    """A natural key."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=20)


class Membership(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("club", "person")
    club = models.IntegerField()
    person = models.IntegerField()
    rank = models.IntegerField(default=0)


class Parcel(models.Model):
    """Columns of every kind, to ask for in every way."""

    name = models.CharField(max_length=20, default="")
    note = models.TextField(null=True)  # noqa: DJ001  # a column that can hold both
    pieces = models.IntegerField(null=True)
    number = models.BigIntegerField(default=0)
    weight = models.FloatField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    fragile = models.BooleanField(default=False)
    day = models.DateField(null=True)
    sent = models.DateTimeField(null=True)
    hour = models.TimeField(null=True)
    took = models.DurationField(null=True)
    code = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    seal = models.BinaryField(default=b"")
    address = models.GenericIPAddressField(null=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, null=True)
    inside = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="parts")


class HeavyParcels(models.QuerySet["HeavyParcel"]):
    """A queryset as adopters have it: it adds a question, and changes another."""

    def heavy(self, than: float) -> HeavyParcels:
        return self.filter(weight__gt=than)

    def filter(self, *args: Any, **kwargs: Any) -> HeavyParcels:
        return super().filter(*args, number__gte=0, **kwargs)


class HeavyParcel(Parcel):
    """A model whose querysets are custom ones."""

    objects = HeavyParcels.as_manager()  # type: ignore[misc]  # the stubs hold the parent's for fixed

    class Meta:
        proxy = True
