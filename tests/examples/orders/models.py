"""The tables, and the rules that each of them keeps by itself."""

from __future__ import annotations

from decimal import Decimal

from django.db import models


class InsufficientStock(Exception):
    """More was ordered than there is. Carries `product`, its `stock` and what was `wanted`."""

    def __init__(self, product: str, stock: int, wanted: int) -> None:
        self.product = product
        self.stock = stock
        self.wanted = wanted
        super().__init__(f"{wanted} of {product} are wanted, {stock} are left.")


class User(models.Model):
    """Who orders."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """What is sold, and how much of it is left."""

    name = models.CharField(max_length=100, unique=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    stock = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.name

    def take(self, quantity: int) -> None:
        """Take so many out of the stock. Raises InsufficientStock."""
        if quantity > self.stock:
            raise InsufficientStock(self.name, self.stock, quantity)
        self.stock -= quantity


class Order(models.Model):
    """What a user has ordered at one time."""

    user = models.ForeignKey(User, on_delete=models.PROTECT)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal(0))

    def __str__(self) -> str:
        return f"Order {self.pk}"


class OrderLine(models.Model):
    """So many of a product, at the price it had then."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="orders_some_of_it")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.product_id}"
