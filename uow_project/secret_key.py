from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require() -> None:
    """Refuse to serve without a secret key. See Note [Secret key].

    Raises:
        ImproperlyConfigured: the environment has no SECRET_KEY, and DEBUG is off.
    """
    try:
        settings.SECRET_KEY  # noqa: B018 - Django checks it when it is read
    except ImproperlyConfigured as error:
        message = (
            "A production start needs a SECRET_KEY. Set the environment variable "
            "SECRET_KEY to a long random string that only this site knows, or set "
            "DEBUG=true for development, where one is made up."
        )
        raise ImproperlyConfigured(message) from error
