from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

# Not Django's whole set: it would reset forgotten passwords by e-mail, which
# nobody here has set up. `manage.py changepassword` does it.
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

urlpatterns = [
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
]
