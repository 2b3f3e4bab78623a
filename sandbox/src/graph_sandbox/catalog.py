"""Names and enums of the Marketing API that the sandbox knows, as the official specification lists them.

Source: the API specification files that Meta's business SDKs are generated from, v25.0.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACCOUNT_FIELDS = _words(
    """
    account_id account_status ad_account_promotable_objects age agency_client_declaration
    all_capabilities amount_spent attribution_spec balance brand_safety_content_filter_levels business
    business_city business_country_code business_name business_state business_street business_street2
    business_zip can_create_brand_lift_study capabilities created_time currency custom_audience_info
    default_dsa_beneficiary default_dsa_payor disable_reason end_advertiser end_advertiser_name
    existing_customers expired_funding_source_details extended_credit_invoice_group
    failed_delivery_checks fb_entity funding_source funding_source_details has_migrated_permissions
    has_page_authorized_adaccount id io_number is_attribution_spec_system_default
    is_ba_skip_delayed_eligible is_direct_deals_enabled is_in_3ds_authorization_enabled_market
    is_notifications_enabled is_personal is_prepay_account is_tax_id_required liable_address
    line_numbers marketing_messages_settings media_agency min_campaign_group_spend_cap min_daily_budget
    name offsite_clo_signal_status offsite_pixels_tos_accepted opportunity_score owner owner_business
    partner rf_spec send_bill_to_address show_checkout_experience sold_to_address spend_cap tax_id
    tax_id_status tax_id_type timezone_id timezone_name timezone_offset_hours_utc tos_accepted
    user_access_expire_time user_tasks user_tos_accepted viewable_business
    """
)

CAMPAIGN_FIELDS = _words(
    """
    account_id adlabels advantage_state_info bid_strategy boosted_object_id brand_lift_studies
    budget_rebalance_flag budget_remaining buying_type campaign_group_active_time
    can_create_brand_lift_study can_use_spend_cap configured_status created_time daily_budget
    effective_status has_secondary_skadnetwork_reporting id is_adset_budget_sharing_enabled
    is_budget_schedule_enabled is_direct_send_campaign is_message_campaign is_skadnetwork_attribution
    issues_info last_budget_toggling_time lifetime_budget name objective pacing_type primary_attribution
    promoted_object recommendations smart_promotion_type source_campaign source_campaign_id
    source_recommendation_type special_ad_categories special_ad_category special_ad_category_country
    spend_cap start_time status stop_time topline_id updated_time adsets
    """
)

ADSET_FIELDS = _words(
    """
    account_id adlabels adset_schedule anchor_event_attribution_window_days asset_feed_id
    attribution_count_type attribution_spec automatic_manual_state bid_adjustments bid_amount
    bid_constraints bid_info bid_strategy billing_event brand_safety_config budget_remaining campaign
    campaign_active_time campaign_attribution campaign_id configured_status created_time
    creative_diversity_label creative_diversity_score creative_sequence
    creative_sequence_repetition_pattern daily_budget daily_min_spend_target daily_spend_cap
    destination_type dsa_beneficiary dsa_payor effective_status end_time
    existing_customer_budget_percentage frequency_control_specs full_funnel_exploration_mode id
    instagram_user_id is_ba_skip_delayed_eligible is_budget_schedule_enabled is_dynamic_creative
    is_incremental_attribution_enabled issues_info learning_stage_info lifetime_budget lifetime_imps
    lifetime_min_spend_target lifetime_spend_cap low_creative_reach max_budget_spend_percentage
    min_budget_spend_percentage multi_event_conversion_attribution_window_seconds
    multi_optimization_goal_weight name optimization_goal optimization_sub_event pacing_type
    placement_soft_opt_out promoted_object recommendations recurring_budget_semantics
    regional_regulated_categories regional_regulation_identities review_feedback rf_prediction_id
    source_adset source_adset_id special_ad_categories start_time status targeting
    targeting_optimization_types time_based_ad_rotation_id_blocks time_based_ad_rotation_intervals
    trending_topics_spec updated_time use_new_app_click value_rule_set_id value_rules_applied
    """
)

LABEL_FIELDS = _words(
    """
    account created_time id name updated_time
    """
)

USER_FIELDS = _words(
    """
    email first_name id last_name name
    """
)

OBJECTIVES = (
    "OUTCOME_APP_PROMOTION",
    "OUTCOME_AWARENESS",
    "OUTCOME_ENGAGEMENT",
    "OUTCOME_LEADS",
    "OUTCOME_SALES",
    "OUTCOME_TRAFFIC",
)
"""What a new campaign may have."""

SPECIAL_AD_CATEGORIES = (
    "CREDIT",
    "EMPLOYMENT",
    "FINANCIAL_PRODUCTS_SERVICES",
    "HOUSING",
    "ISSUES_ELECTIONS_POLITICS",
    "NONE",
    "ONLINE_GAMBLING_AND_GAMING",
)

BID_STRATEGIES = (
    "COST_CAP",
    "LOWEST_COST_WITHOUT_CAP",
    "LOWEST_COST_WITH_BID_CAP",
    "LOWEST_COST_WITH_MIN_ROAS",
)

STATUSES = (
    "ACTIVE",
    "ARCHIVED",
    "DELETED",
    "PAUSED",
)

EXECUTION_OPTIONS = (
    "include_recommendations",
    "validate_only",
)

EFFECTIVE_STATUSES = (
    "ACTIVE",
    "ADSET_PAUSED",
    "ARCHIVED",
    "CAMPAIGN_PAUSED",
    "DELETED",
    "DISAPPROVED",
    "IN_PROCESS",
    "PAUSED",
    "PENDING_BILLING_INFO",
    "PENDING_REVIEW",
    "PREAPPROVED",
    "WITH_ISSUES",
)

BILLING_EVENTS = (
    "APP_INSTALLS",
    "CLICKS",
    "IMPRESSIONS",
    "LINK_CLICKS",
    "LISTING_INTERACTION",
    "NONE",
    "OFFER_CLAIMS",
    "PAGE_LIKES",
    "POST_ENGAGEMENT",
    "PURCHASE",
    "THRUPLAY",
)

OPTIMIZATION_GOALS = (
    "ADVERTISER_SILOED_VALUE",
    "AD_RECALL_LIFT",
    "APP_INSTALLS",
    "APP_INSTALLS_AND_OFFSITE_CONVERSIONS",
    "AUTOMATIC_OBJECTIVE",
    "CONVERSATIONS",
    "DERIVED_EVENTS",
    "ENGAGED_PAGE_VIEWS",
    "ENGAGED_USERS",
    "EVENT_RESPONSES",
    "IMPRESSIONS",
    "IN_APP_VALUE",
    "LANDING_PAGE_VIEWS",
    "LEAD_GENERATION",
    "LINK_CLICKS",
    "MEANINGFUL_CALL_ATTEMPT",
    "MESSAGING_APPOINTMENT_CONVERSION",
    "MESSAGING_PURCHASE_CONVERSION",
    "NONE",
    "OFFSITE_CONVERSIONS",
    "PAGE_LIKES",
    "POST_ENGAGEMENT",
    "PROFILE_AND_PAGE_ENGAGEMENT",
    "PROFILE_VISIT",
    "QUALITY_CALL",
    "QUALITY_LEAD",
    "REACH",
    "REMINDERS_SET",
    "SUBSCRIBERS",
    "THRUPLAY",
    "VALUE",
    "VISIT_INSTAGRAM_PROFILE",
)

DESTINATION_TYPES = (
    "APP",
    "APPLINKS_AUTOMATIC",
    "FACEBOOK",
    "FACEBOOK_LIVE",
    "FACEBOOK_PAGE",
    "IMAGINE",
    "INSTAGRAM_DIRECT",
    "INSTAGRAM_LIVE",
    "INSTAGRAM_PROFILE",
    "INSTAGRAM_PROFILE_AND_FACEBOOK_PAGE",
    "MESSAGING_INSTAGRAM_DIRECT_MESSENGER",
    "MESSAGING_INSTAGRAM_DIRECT_MESSENGER_WHATSAPP",
    "MESSAGING_INSTAGRAM_DIRECT_WHATSAPP",
    "MESSAGING_MESSENGER_WHATSAPP",
    "MESSENGER",
    "ON_AD",
    "ON_EVENT",
    "ON_PAGE",
    "ON_POST",
    "ON_VIDEO",
    "SHOP_AUTOMATIC",
    "WEBSITE",
    "WHATSAPP",
)

CAMPAIGN_PARAMS: dict[str, str] = {
    "adlabels": "list",
    "bid_strategy": "string",
    "budget_schedule_specs": "list",
    "buying_type": "string",
    "daily_budget": "uint",
    "execution_options": "list",
    "is_adset_budget_sharing_enabled": "bool",
    "is_budget_schedule_enabled": "bool",
    "is_direct_send_campaign": "bool",
    "is_message_campaign": "bool",
    "is_skadnetwork_attribution": "bool",
    "iterative_split_test_configs": "list",
    "lifetime_budget": "uint",
    "name": "string",
    "objective": "string",
    "pacing_type": "list",
    "promoted_object": "object",
    "smart_promotion_type": "string",
    "source_campaign_id": "string",
    "special_ad_categories": "list",
    "special_ad_category_country": "list",
    "spend_cap": "uint",
    "start_time": "time",
    "status": "string",
    "stop_time": "time",
    "topline_id": "string",
}

ADSET_PARAMS: dict[str, str] = {
    "adlabels": "list",
    "adset_schedule": "list",
    "attribution_spec": "list",
    "automatic_manual_state": "string",
    "bid_adjustments": "object",
    "bid_amount": "int",
    "bid_constraints": "object",
    "bid_strategy": "string",
    "billing_event": "string",
    "budget_schedule_specs": "list",
    "budget_source": "string",
    "budget_split_set_id": "string",
    "campaign_attribution": "object",
    "campaign_id": "string",
    "campaign_spec": "object",
    "creative_sequence": "list",
    "creative_sequence_repetition_pattern": "string",
    "daily_budget": "uint",
    "daily_imps": "uint",
    "daily_min_spend_target": "uint",
    "daily_spend_cap": "uint",
    "date_format": "string",
    "destination_type": "string",
    "dsa_beneficiary": "string",
    "dsa_payor": "string",
    "end_time": "time",
    "execution_options": "list",
    "existing_customer_budget_percentage": "uint",
    "frequency_control_specs": "list",
    "full_funnel_exploration_mode": "string",
    "is_ba_skip_delayed_eligible": "bool",
    "is_budget_schedule_enabled": "bool",
    "is_dynamic_creative": "bool",
    "is_incremental_attribution_enabled": "bool",
    "is_sac_cfca_terms_certified": "bool",
    "lifetime_budget": "uint",
    "lifetime_imps": "uint",
    "lifetime_min_spend_target": "uint",
    "lifetime_spend_cap": "uint",
    "line_number": "uint",
    "max_budget_spend_percentage": "uint",
    "min_budget_spend_percentage": "uint",
    "multi_event_conversion_attribution_window_seconds": "uint",
    "multi_optimization_goal_weight": "string",
    "name": "string",
    "optimization_goal": "string",
    "optimization_sub_event": "string",
    "pacing_type": "list",
    "placement_soft_opt_out": "object",
    "promoted_object": "object",
    "rb_prediction_id": "string",
    "regional_regulated_categories": "list",
    "regional_regulation_identities": "object",
    "rf_prediction_id": "string",
    "source_adset_id": "string",
    "start_time": "time",
    "status": "string",
    "targeting": "object",
    "time_based_ad_rotation_id_blocks": "list",
    "time_based_ad_rotation_intervals": "list",
    "time_start": "time",
    "time_stop": "time",
    "topline_id": "string",
    "trending_topics_spec": "object",
    "tune_for_category": "string",
    "value_rule_set_id": "string",
    "value_rules_applied": "bool",
}
