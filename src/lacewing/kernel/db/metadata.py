"""Where all tables register, with names for their constraints that both databases share."""

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

EPHEMERAL = {"ephemeral": True}
"""``Table.info`` of what an export leaves out: it ends by itself or belongs to one installation."""

REPLACED = {"replaced": True}
"""``Table.info`` of what a Lacewing writes by itself when it is served: an import replaces it."""

OF_THIS_PLACE = {"ephemeral": True, "of_this_place": True}
"""``Table.info`` of what is about one installation and not in it: a backup leaves it out too."""
