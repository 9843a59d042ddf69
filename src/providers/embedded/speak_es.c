/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speak_lang.h"

/* Spanish. No voice of Debian's flite speaks it: this is for one that does, and the proof that a language is a table. */

#define SET(list) .rules = list, .count = ARRAY_LEN(list)
#define K UINT64_C(1000)

static const struct speak_set before_noun;

static const struct speak_rule cardinal_rules[] = {
	{0, 0, "cero"}, {1, 0, "uno"}, {2, 0, "dos"}, {3, 0, "tres"}, {4, 0, "cuatro"}, {5, 0, "cinco"}, {6, 0, "seis"}, {7, 0, "siete"},
	{8, 0, "ocho"}, {9, 0, "nueve"}, {10, 0, "diez"}, {11, 0, "once"}, {12, 0, "doce"}, {13, 0, "trece"}, {14, 0, "catorce"},
	{15, 0, "quince"}, {16, 0, "dieciséis"}, {17, 0, "diecisiete"}, {18, 0, "dieciocho"}, {19, 0, "diecinueve"}, {20, 0, "veinte"},
	{21, 0, "veintiuno"}, {22, 0, "veintidós"}, {23, 0, "veintitrés"}, {24, 0, "veinticuatro"}, {25, 0, "veinticinco"},
	{26, 0, "veintiséis"}, {27, 0, "veintisiete"}, {28, 0, "veintiocho"}, {29, 0, "veintinueve"}, {30, 10, "treinta{| y >}"},
	{40, 10, "cuarenta{| y >}"}, {50, 10, "cincuenta{| y >}"}, {60, 10, "sesenta{| y >}"}, {70, 10, "setenta{| y >}"},
	{80, 10, "ochenta{| y >}"}, {90, 10, "noventa{| y >}"}, {100, 100, "cien{|to >}"}, {200, 100, "doscientos{| >}"},
	{300, 100, "trescientos{| >}"}, {400, 100, "cuatrocientos{| >}"}, {500, 100, "quinientos{| >}"}, {600, 100, "seiscientos{| >}"},
	{700, 100, "setecientos{| >}"}, {800, 100, "ochocientos{| >}"}, {900, 100, "novecientos{| >}"}, {K, K, "mil{| >}"},
	{2 * K, K, "< mil{| >}"}, {K * K, K * K, "un millón{| >}"}, {2 * K * K, K * K, "< millones{| >}"},
	{K * K * K * K, K * K * K * K, "un billón{| >}"}, {2 * K * K * K * K, K * K * K * K, "< billones{| >}"},
};
static const struct speak_set cardinal = {SET(cardinal_rules), .plain = &before_noun};

/* "veintiún mil", "un euro" */
static const struct speak_rule before_noun_rules[] = {{1, 0, "un"}, {2, 0, "dos"}, {21, 0, "veintiún"}, {22, 0, "veintidós"}};
static const struct speak_set before_noun = {SET(before_noun_rules), .parent = &cardinal};

static const struct speak_rule feminine_rules[] = {{1, 0, "una"}, {2, 0, "dos"}, {21, 0, "veintiuna"}, {22, 0, "veintidós"}};
static const struct speak_set feminine = {SET(feminine_rules), .parent = &cardinal};

static const struct speak_rule ordinal_rules[] = {
	{1, 0, "primero"}, {2, 0, "segundo"}, {3, 0, "tercero"}, {4, 0, "cuarto"}, {5, 0, "quinto"}, {6, 0, "sexto"}, {7, 0, "séptimo"},
	{8, 0, "octavo"}, {9, 0, "noveno"}, {10, 0, "décimo"}, {11, 0, "undécimo"}, {12, 0, "duodécimo"}, {13, 10, "decimo>"},
	{20, 10, "vigésimo{| >}"}, {30, 10, "trigésimo{| >}"}, {40, 0, "="},
};
static const struct speak_set ordinal = {SET(ordinal_rules), .parent = &cardinal, .plain = &cardinal};

static const struct speak_rule day_rules[] = {{1, 0, "primero"}, {2, 0, "="}};
static const struct speak_set day = {SET(day_rules), .plain = &cardinal};

static const char *const ordinal_marks[] = {"º", "ª", ".º", ".ª", "er", NULL};

static const char *const month_names[] = {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
	"octubre", "noviembre", "diciembre"};

static const struct speak_month months[] = {
	{"enero", 1}, {"febrero", 2}, {"marzo", 3}, {"abril", 4}, {"mayo", 5}, {"junio", 6}, {"julio", 7}, {"agosto", 8},
	{"septiembre", 9}, {"setiembre", 9}, {"octubre", 10}, {"noviembre", 11}, {"diciembre", 12}, {NULL, 0},
};

static const struct speak_pair halves[] = {
	{"am", "a"}, {"a.m", "a"}, {"a.m.", "a"}, {"pm", "p"}, {"p.m", "p"}, {"p.m.", "p"}, {NULL, NULL},
};

static const struct speak_pair fractions[] = {
	{"1/2", "un medio"}, {"1/3", "un tercio"}, {"2/3", "dos tercios"}, {"1/4", "un cuarto"}, {"3/4", "tres cuartos"},
	{"½", "un medio"}, {"¼", "un cuarto"}, {"¾", "tres cuartos"}, {NULL, NULL},
};

static const struct speak_pair symbols[] = {
	{"@", "arroba"}, {".", "punto"}, {"-", "guion"}, {"_", "guion bajo"}, {"/", "barra"}, {":", "dos puntos"}, {"+", "más"},
	{"#", "almohadilla"}, {"=", "igual"}, {"&", "y"}, {"%", "por ciento"}, {NULL, NULL},
};

static const struct speak_pair letters[] = {
	{"A", "a"}, {"B", "be"}, {"C", "ce"}, {"D", "de"}, {"E", "e"}, {"F", "efe"}, {"G", "ge"}, {"H", "hache"}, {"I", "i"}, {"J", "jota"},
	{"K", "ka"}, {"L", "ele"}, {"M", "eme"}, {"N", "ene"}, {"O", "o"}, {"P", "pe"}, {"Q", "cu"}, {"R", "erre"}, {"S", "ese"}, {"T", "te"},
	{"U", "u"}, {"V", "uve"}, {"W", "uve doble"}, {"X", "equis"}, {"Y", "ye"}, {"Z", "zeta"}, {NULL, NULL},
};

static const struct speak_unit units[] = {
	{"km", "kilómetro", "kilómetros"}, {"m", "metro", "metros"}, {"cm", "centímetro", "centímetros"}, {"mm", "milímetro", "milímetros"},
	{"kg", "kilo", "kilos"}, {"g", "gramo", "gramos"}, {"mg", "miligramo", "miligramos"}, {"l", "litro", "litros"},
	{"ml", "mililitro", "mililitros"}, {"km/h", "kilómetro por hora", "kilómetros por hora"}, {"h", "hora", "horas"},
	{"min", "minuto", "minutos"}, {"s", "segundo", "segundos"}, {"°", "grado", "grados"}, {"°C", "grado", "grados"},
	{"m²", "metro cuadrado", "metros cuadrados"}, {"%", "por ciento", "por ciento"}, {NULL, NULL, NULL},
};

static const struct speak_money moneys[] = {
	{"€", "euro", "euros", "céntimo", "céntimos"}, {"EUR", "euro", "euros", "céntimo", "céntimos"},
	{"$", "dólar", "dólares", "centavo", "centavos"}, {"USD", "dólar", "dólares", "centavo", "centavos"},
	{NULL, NULL, NULL, NULL, NULL},
};

static const char *const magnitudes[] = {"mil", "millón", "millones", NULL};

static const struct speak_abbreviation abbreviations[] = {
	{"sr", "señor", SPEAK_ALWAYS}, {"sra", "señora", SPEAK_ALWAYS}, {"srta", "señorita", SPEAK_ALWAYS}, {"dr", "doctor", SPEAK_ALWAYS},
	{"dra", "doctora", SPEAK_ALWAYS}, {"ud", "usted", SPEAK_ALWAYS}, {"uds", "ustedes", SPEAK_ALWAYS}, {"avda", "avenida", SPEAK_DOTTED},
	{"av", "avenida", SPEAK_DOTTED}, {"núm", "número", SPEAK_DOTTED}, {"tel", "teléfono", SPEAK_DOTTED}, {"ext", "extensión", SPEAK_ALWAYS},
	{"c/", "calle", SPEAK_ALWAYS}, {"etc", "etcétera", SPEAK_ALWAYS}, {NULL, NULL, SPEAK_ALWAYS},
};

static const char *const code_leads[] = {"extensión", "código", "número", "pedido", "referencia", "vuelo", "cuenta", "factura", NULL};
static const char *const said_whole[] = {"OK", "SÍ", "NO", "IVA", "DNI", NULL};

const struct speak_lang speak_lang_es = {
	.language = "es",
	.point = ',',
	.group = '.',
	.cardinal = &cardinal,
	.ordinal = &ordinal,
	.day = &day,
	.year = &cardinal,
	.hour = &feminine,
	.counted = &before_noun,
	.ordinal_marks = ordinal_marks,
	.month_names = month_names,
	.months = months,
	.date = "%d de %M",
	.date_year = "%d de %M de %y",
	.hour_only = "%h en punto",
	.hour_half = "%h",
	.minutes_early = "%h y %m",
	.minutes = "%h y %m",
	.am = "de la mañana",
	.pm = "de la tarde",
	.night = "de la noche",
	.night_from = 20,
	.halves = halves,
	.minus = "menos",
	.plus = "más",
	.point_word = "coma",
	.to = "a",
	.and_word = "y",
	.number_sign = "número",
	.money_cents = "con",
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
