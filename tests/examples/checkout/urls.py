from django.urls import path

from tests.examples.checkout import views

urlpatterns = [
    path("allocate", views.allocate),
    path("check-out", views.check_out),
]
