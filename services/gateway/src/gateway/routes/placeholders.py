"""Fixed answers of parts that belong to later steps, so that a frontend renders."""

from typing import Literal

from fastapi import APIRouter

from contracts.wire import WireModel
from gateway.guard import SessionDep
from gateway.openapi import operation_id, session_get

router = APIRouter(tags=["later steps"], generate_unique_id_function=operation_id)


class InventoryItems(WireModel):
    data: tuple[str, ...] = ()
    source: None = None


class Onboarding(WireModel):
    status: Literal["completed"] = "completed"
    company_info_completed: bool = True
    budget_info_completed: bool = True
    company_name: None = None
    company_website: None = None
    monthly_budget_amount: None = None
    budget_currency: str = "USD"


@router.get("/inventory/items", responses=session_get())
async def inventory_items(_: SessionDep) -> InventoryItems:
    return InventoryItems()


@router.get("/templates/config", response_model=None, responses=session_get())
async def templates_config(_: SessionDep) -> None:
    return None


@router.get("/onboarding/status", responses=session_get())
async def onboarding_status(_: SessionDep) -> Onboarding:
    return Onboarding()
