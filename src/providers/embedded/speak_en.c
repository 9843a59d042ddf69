/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_lang.h"

/* English, as read in the United States. */

#define SET(list) .rules = list, .count = ARRAY_LEN(list)
#define K UINT64_C(1000)

static const struct speak_rule cardinal_rules[] = {
	{0, 0, "zero"}, {1, 0, "one"}, {2, 0, "two"}, {3, 0, "three"}, {4, 0, "four"}, {5, 0, "five"}, {6, 0, "six"}, {7, 0, "seven"},
	{8, 0, "eight"}, {9, 0, "nine"}, {10, 0, "ten"}, {11, 0, "eleven"}, {12, 0, "twelve"}, {13, 0, "thirteen"}, {14, 0, "fourteen"},
	{15, 0, "fifteen"}, {16, 0, "sixteen"}, {17, 0, "seventeen"}, {18, 0, "eighteen"}, {19, 0, "nineteen"},
	{20, 10, "twenty{| >}"}, {30, 10, "thirty{| >}"}, {40, 10, "forty{| >}"}, {50, 10, "fifty{| >}"}, {60, 10, "sixty{| >}"},
	{70, 10, "seventy{| >}"}, {80, 10, "eighty{| >}"}, {90, 10, "ninety{| >}"}, {100, 100, "< hundred{| >}"},
	{K, K, "< thousand{| >}"}, {K * K, K * K, "< million{| >}"}, {K * K * K, K * K * K, "< billion{| >}"},
	{K * K * K * K, K * K * K * K, "< trillion{| >}"},
};
static const struct speak_set cardinal = {SET(cardinal_rules)};

static const struct speak_rule ordinal_rules[] = {
	{0, 0, "zeroth"}, {1, 0, "first"}, {2, 0, "second"}, {3, 0, "third"}, {4, 0, "fourth"}, {5, 0, "fifth"}, {6, 0, "sixth"},
	{7, 0, "seventh"}, {8, 0, "eighth"}, {9, 0, "ninth"}, {10, 0, "=th"}, {12, 0, "twelfth"}, {13, 0, "=th"},
	{20, 10, "twent{ieth|y >}"}, {30, 10, "thirt{ieth|y >}"}, {40, 10, "fort{ieth|y >}"}, {50, 10, "fift{ieth|y >}"},
	{60, 10, "sixt{ieth|y >}"}, {70, 10, "sevent{ieth|y >}"}, {80, 10, "eight{ieth|y >}"}, {90, 10, "ninet{ieth|y >}"},
	{100, 100, "< hundred{th| >}"}, {K, K, "< thousand{th| >}"}, {K * K, K * K, "< million{th| >}"},
	{K * K * K, K * K * K, "< billion{th| >}"}, {K * K * K * K, K * K * K * K, "< trillion{th| >}"},
};
static const struct speak_set ordinal = {SET(ordinal_rules), .plain = &cardinal};

/* 1905: nineteen oh five; 2005: two thousand five; 2026: twenty twenty six. */
static const struct speak_rule year_rules[] = {
	{1, 0, "oh ="}, {10, 0, "="}, {1100, 100, "<{ hundred| >}"}, {2000, 1000, "two thousand{| %}"}, {2010, 100, "< >"},
	{2100, 100, "<{ hundred| >}"}, {10 * K, 0, "="},
};
static const struct speak_set year = {SET(year_rules), .plain = &cardinal};

static const char *const ordinal_marks[] = {"st", "nd", "rd", "th", NULL};

static const char *const month_names[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December"};

static const struct speak_month months[] = {
	{"january", 1}, {"february", 2}, {"march", 3}, {"april", 4}, {"may", 5}, {"june", 6}, {"july", 7}, {"august", 8},
	{"september", 9}, {"october", 10}, {"november", 11}, {"december", 12}, {"jan", 1}, {"feb", 2}, {"mar", 3}, {"apr", 4},
	{"jun", 6}, {"jul", 7}, {"aug", 8}, {"sep", 9}, {"sept", 9}, {"oct", 10}, {"nov", 11}, {"dec", 12}, {NULL, 0},
};

static const struct speak_pair halves[] = {
	{"am", "a"}, {"a.m", "a"}, {"a.m.", "a"}, {"pm", "p"}, {"p.m", "p"}, {"p.m.", "p"}, {NULL, NULL},
};

static const struct speak_pair fractions[] = {
	{"1/2", "one half"}, {"1/3", "one third"}, {"2/3", "two thirds"}, {"1/4", "one quarter"}, {"3/4", "three quarters"},
	{"½", "one half"}, {"¼", "one quarter"}, {"¾", "three quarters"}, {"24/7", "twenty four seven"}, {NULL, NULL},
};

static const struct speak_pair symbols[] = {
	{"@", "at"}, {".", "dot"}, {"-", "dash"}, {"_", "underscore"}, {"/", "slash"}, {":", "colon"}, {"+", "plus"}, {"#", "hash"},
	{"?", "question mark"}, {"=", "equals"}, {"&", "and"}, {"%", "percent"}, {"~", "tilde"}, {NULL, NULL},
};

/* The voice takes a small "a" for the article; the capital one is the letter. Capitals do for all. */
static const struct speak_pair letters[] = {{NULL, NULL}};

static const struct speak_unit units[] = {
	{"km", "kilometer", "kilometers"}, {"m", "meter", "meters"}, {"cm", "centimeter", "centimeters"},
	{"mm", "millimeter", "millimeters"}, {"mi", "mile", "miles"}, {"ft", "foot", "feet"}, {"yd", "yard", "yards"},
	{"kg", "kilogram", "kilograms"}, {"g", "gram", "grams"}, {"mg", "milligram", "milligrams"}, {"lb", "pound", "pounds"},
	{"lbs", "pound", "pounds"}, {"oz", "ounce", "ounces"}, {"l", "liter", "liters"}, {"ml", "milliliter", "milliliters"},
	{"gal", "gallon", "gallons"}, {"mph", "mile per hour", "miles per hour"}, {"km/h", "kilometer per hour", "kilometers per hour"},
	{"kWh", "kilowatt hour", "kilowatt hours"}, {"kW", "kilowatt", "kilowatts"}, {"W", "watt", "watts"}, {"V", "volt", "volts"},
	{"GB", "gigabyte", "gigabytes"}, {"MB", "megabyte", "megabytes"}, {"KB", "kilobyte", "kilobytes"},
	{"Mbps", "megabit per second", "megabits per second"}, {"MHz", "megahertz", "megahertz"}, {"Hz", "hertz", "hertz"},
	{"h", "hour", "hours"}, {"hr", "hour", "hours"}, {"hrs", "hour", "hours"}, {"min", "minute", "minutes"},
	{"mins", "minute", "minutes"}, {"s", "second", "seconds"}, {"sec", "second", "seconds"}, {"ms", "millisecond", "milliseconds"},
	{"°", "degree", "degrees"}, {"°F", "degree Fahrenheit", "degrees Fahrenheit"}, {"°C", "degree Celsius", "degrees Celsius"},
	{"sqft", "square foot", "square feet"}, {"m²", "square meter", "square meters"}, {"%", "percent", "percent"},
	{NULL, NULL, NULL},
};

static const struct speak_money moneys[] = {
	{"$", "dollar", "dollars", "cent", "cents"}, {"US$", "U S dollar", "U S dollars", "cent", "cents"},
	{"USD", "U S dollar", "U S dollars", "cent", "cents"}, {"€", "euro", "euros", "cent", "cents"},
	{"EUR", "euro", "euros", "cent", "cents"}, {"£", "pound", "pounds", "penny", "pence"},
	{"GBP", "pound", "pounds", "penny", "pence"}, {"¥", "yen", "yen", "sen", "sen"},
	{"CAD", "Canadian dollar", "Canadian dollars", "cent", "cents"}, {"¢", "cent", "cents", "", ""}, {NULL, NULL, NULL, NULL, NULL},
};

static const char *const magnitudes[] = {"hundred", "thousand", "million", "billion", "trillion", NULL};

static const struct speak_abbreviation abbreviations[] = {
	{"mr", "mister", SPEAK_ALWAYS}, {"mrs", "misses", SPEAK_ALWAYS}, {"ms", "mizz", SPEAK_ALWAYS},
	{"dr", "doctor", SPEAK_BEFORE_NAME}, {"dr", "drive", SPEAK_AFTER_NAME}, {"prof", "professor", SPEAK_DOTTED},
	{"st", "street", SPEAK_AFTER_NAME}, {"st", "saint", SPEAK_BEFORE_NAME}, {"ave", "avenue", SPEAK_AFTER_NAME},
	{"blvd", "boulevard", SPEAK_ALWAYS}, {"rd", "road", SPEAK_AFTER_NAME}, {"ln", "lane", SPEAK_AFTER_NAME},
	{"hwy", "highway", SPEAK_ALWAYS}, {"apt", "apartment", SPEAK_DOTTED}, {"ste", "suite", SPEAK_BEFORE_NUMBER},
	{"fl", "floor", SPEAK_DOTTED}, {"jr", "junior", SPEAK_DOTTED}, {"sr", "senior", SPEAK_DOTTED}, {"no", "number", SPEAK_BEFORE_NUMBER},
	{"nr", "number", SPEAK_BEFORE_NUMBER}, {"ext", "extension", SPEAK_ALWAYS}, {"tel", "telephone", SPEAK_DOTTED},
	{"vs", "versus", SPEAK_ALWAYS}, {"etc", "et cetera", SPEAK_ALWAYS}, {"e.g", "for example", SPEAK_ALWAYS},
	{"i.e", "that is", SPEAK_ALWAYS}, {"approx", "approximately", SPEAK_DOTTED}, {"appt", "appointment", SPEAK_ALWAYS},
	{"dept", "department", SPEAK_DOTTED}, {"est", "established", SPEAK_DOTTED}, {"inc", "incorporated", SPEAK_DOTTED},
	{"ltd", "limited", SPEAK_DOTTED}, {"corp", "corporation", SPEAK_DOTTED}, {"mon", "Monday", SPEAK_DOTTED},
	{"tue", "Tuesday", SPEAK_DOTTED}, {"tues", "Tuesday", SPEAK_DOTTED}, {"wed", "Wednesday", SPEAK_DOTTED},
	{"thu", "Thursday", SPEAK_DOTTED}, {"thurs", "Thursday", SPEAK_DOTTED}, {"fri", "Friday", SPEAK_DOTTED},
	{"sat", "Saturday", SPEAK_DOTTED}, {"sun", "Sunday", SPEAK_DOTTED}, {"asap", "as soon as possible", SPEAK_ALWAYS},
	{"w/o", "without", SPEAK_ALWAYS}, {"mins", "minutes", SPEAK_ALWAYS}, {"hrs", "hours", SPEAK_ALWAYS},
	{NULL, NULL, SPEAK_ALWAYS},
};

static const char *const code_leads[] = {"extension", "ext", "code", "pin", "number", "order", "reference", "ref", "flight", "zip",
	"ticket", "account", "invoice", "id", "ending", NULL};

static const char *const said_whole[] = {"OK", "NASA", "ASAP", "PIN", "ZIP", "SIM", "AM", "PM", "I", "A", "NO", "YES", "NOT", "AND", "OR",
	"IT", "IS", "THE", "TO", "IN", "ON", "AT", "WE", "MY", "DO", "GO", "SO", NULL};

const struct speak_lang speak_lang_en = {
	.language = "en",
	.is_ascii = true,
	.is_month_first = true,
	.point = '.',
	.group = ',',
	.cardinal = &cardinal,
	.ordinal = &ordinal,
	.day = &ordinal,
	.year = &year,
	.hour = &cardinal,
	.counted = &cardinal,
	.ordinal_marks = ordinal_marks,
	.month_names = month_names,
	.months = months,
	.date = "%M %d",
	.date_year = "%M %d, %y",
	.day_month = "the %d of %M",
	.hour_only = "%h o'clock",
	.hour_half = "%h",
	.minutes_early = "%h oh %m",
	.minutes = "%h %m",
	.am = "A M",
	.pm = "P M",
	.halves = halves,
	.is_12h = true,
	.minus = "minus",
	.plus = "plus",
	.point_word = "point",
	.to = "to",
	.and_word = "and",
	.number_sign = "number",
	.money_cents = "and",
	.fractions = fractions,
	.symbols = symbols,
	.letters = letters,
	.units = units,
	.moneys = moneys,
	.magnitudes = magnitudes,
	.abbreviations = abbreviations,
	.code_leads = code_leads,
	.said_whole = said_whole,
};
