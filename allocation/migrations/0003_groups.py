"""The two groups: who may look, and who may also change stock."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations, router

LOOK = ["view_batch", "view_orderline", "view_historyentry"]
GROUPS = {
    "stock viewers": LOOK,
    "stock clerks": [*LOOK, "add_batch", "change_batch", "add_orderline", "change_orderline"],
}


def make_groups(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    if not router.allow_migrate_model(using, apps.get_model("auth", "Group")):
        return  # the users, and so the groups, are in another database
    # Django makes permissions after the last migration, which is too late here.
    app = apps.get_app_config("allocation")
    app.models_module = True
    create_permissions(app, verbosity=0, using=using, apps=apps)
    app.models_module = None
    groups = apps.get_model("auth", "Group").objects.using(using)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, codenames in GROUPS.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(
            *permissions.filter(content_type__app_label="allocation", codename__in=codenames)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("allocation", "0002_history"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Undone, the groups stay: people are in them.
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
