from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from allocation.entrypoints.health import healthz

# Not Django's whole set: nobody has set up e-mail here, so that a forgotten
# password is reset with `manage.py changepassword`.
accounts = [
    path("login/", auth.LoginView.as_view(template_name="accounts/login.html"), name="login"),
    path(
        "logout/",
        auth.LogoutView.as_view(template_name="accounts/logged_out.html"),
        name="logout",
    ),
    path(
        "password/",
        auth.PasswordChangeView.as_view(template_name="accounts/password.html"),
        name="password_change",
    ),
    path(
        "password/changed/",
        auth.PasswordChangeDoneView.as_view(template_name="accounts/password_changed.html"),
        name="password_change_done",
    ),
]

admin.site.site_header = admin.site.site_title = "Allocation: admin"

# The admin's own page to sign in leads to that of the site.
admin_login = login_not_required(RedirectView.as_view(pattern_name="login", query_string=True))

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include(accounts)),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    path("", include("allocation.entrypoints.urls")),
]
