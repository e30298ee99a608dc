<?xml version="1.0" encoding="UTF-8"?>
<!-- Surat biasa as HTML mail inside the house: one column, styles at the elements only, no images, nothing to fetch; readable on a phone. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:l="urn:mtagw:letter:1"
                exclude-result-prefixes="l">
  <xsl:import href="common.xsl"/>
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:strip-space elements="*"/>
  <xsl:preserve-space elements="l:p l:td l:strong l:em"/>
  <xsl:variable name="label" select="'vertical-align:top;padding:1px 8px 1px 0;white-space:nowrap;color:#555'"/>
  <xsl:variable name="value" select="'vertical-align:top;padding:1px 0'"/>

  <xsl:template match="/l:letter">
    <xsl:call-template name="check-capacity"/>
    <html lang="id">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="l:subject"/></title>
      </head>
      <body style="margin:0;padding:0">
        <div style="max-width:640px;margin:0 auto;padding:12px 16px;font-family:Arial,'Liberation Sans',sans-serif;font-size:16px;line-height:1.45;color:#111">
          <div style="text-align:center;border-bottom:3px double #111;padding-bottom:8px;margin-bottom:16px">
            <xsl:for-each select="l:from/l:letterhead/l:line[. != '']">
              <div>
                <xsl:attribute name="style">
                  <xsl:choose>
                    <xsl:when test="position() = 1">font-size:15px;letter-spacing:0.5px</xsl:when>
                    <xsl:when test="position() = 2">font-size:19px;font-weight:bold;line-height:1.25</xsl:when>
                    <xsl:otherwise>font-size:12px;color:#555</xsl:otherwise>
                  </xsl:choose>
                </xsl:attribute>
                <xsl:value-of select="."/>
              </div>
            </xsl:for-each>
          </div>
          <div style="text-align:right;margin-bottom:12px">
            <xsl:value-of select="concat($from/l:place, ', ')"/><xsl:call-template name="date"/>
          </div>
          <table role="presentation" cellspacing="0" cellpadding="0" style="border-collapse:collapse;margin-bottom:14px">
            <tr><td style="{$label}">Nomor</td><td style="{$value}"><xsl:value-of select="l:number"/></td></tr>
            <tr><td style="{$label}">Sifat</td><td style="{$value}"><xsl:call-template name="sifat-marked"/></td></tr>
            <tr><td style="{$label}">Lampiran</td><td style="{$value}"><xsl:call-template name="lampiran"/></td></tr>
            <tr><td style="{$label}">Hal</td><td style="{$value};font-weight:bold"><xsl:value-of select="l:subject"/></td></tr>
          </table>
          <xsl:call-template name="addressees"/>
          <xsl:apply-templates select="l:body" mode="html"/>
          <xsl:call-template name="signature"/>
          <xsl:call-template name="lists"/>
        </div>
      </body>
    </html>
  </xsl:template>

  <!-- Urgent and classified letters show it by weight and colour, for those who skim. -->
  <xsl:template name="sifat-marked">
    <xsl:choose>
      <xsl:when test="l:security_class = 'open' and (l:urgency = 'normal' or l:urgency = 'important')"><xsl:call-template name="sifat"/></xsl:when>
      <xsl:otherwise><strong style="color:#b00020"><xsl:call-template name="sifat"/></strong></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="addressees">
    <div style="margin-bottom:16px">
      <xsl:choose>
        <xsl:when test="$listed">Yth. Daftar Terlampir<br/></xsl:when>
        <xsl:when test="count($main) = 1">Yth. <xsl:value-of select="$main/l:name"/><br/></xsl:when>
        <xsl:when test="$main">
          <xsl:text>Yth.</xsl:text><br/>
          <xsl:for-each select="$main"><xsl:value-of select="concat(position(), '. ', l:name)"/><br/></xsl:for-each>
        </xsl:when>
      </xsl:choose>
      <xsl:if test="$main">
        <xsl:text>di -</xsl:text><br/>
        <span style="padding-left:24px"><xsl:call-template name="place"/></span>
      </xsl:if>
    </div>
  </xsl:template>

  <xsl:template name="signature">
    <div style="margin:20px 0 18px 20%">
      <xsl:choose>
        <xsl:when test="$from/l:delegator_block">
          <xsl:text>a.n. </xsl:text><xsl:value-of select="$from/l:delegator_block"/><br/>
          <xsl:if test="$from/l:via_block"><xsl:value-of select="$from/l:via_block"/>,<br/>u.b.<br/></xsl:if>
          <xsl:call-template name="acting"/><xsl:value-of select="$from/l:block"/>,<br/>
        </xsl:when>
        <xsl:otherwise>
          <xsl:call-template name="acting"/><xsl:value-of select="$from/l:block"/>,<br/>
          <xsl:if test="$from/l:own_post_block"><xsl:value-of select="$from/l:own_post_block"/>,<br/></xsl:if>
        </xsl:otherwise>
      </xsl:choose>
      <br/>
      <xsl:if test="$from/l:holder/l:name"><strong><xsl:value-of select="$from/l:holder/l:name"/></strong></xsl:if>
      <xsl:if test="$from/l:holder/@print_rank = 'yes'">
        <xsl:if test="$from/l:holder/l:rank_title"><br/><xsl:value-of select="$from/l:holder/l:rank_title"/></xsl:if>
        <xsl:if test="$from/l:holder/l:nip"><br/>NIP. <xsl:value-of select="$from/l:holder/l:nip"/></xsl:if>
      </xsl:if>
    </div>
  </xsl:template>

  <xsl:template name="lists">
    <xsl:if test="$copies">
      <div style="margin-bottom:12px;font-size:14px">Tembusan:
        <xsl:for-each select="$copies">
          <br/><xsl:if test="last() &gt; 1"><xsl:value-of select="concat(position(), '. ')"/></xsl:if>
          <xsl:value-of select="concat('Yth. ', l:name, substring(';.', 1 + number(position() = last()), 1))"/>
        </xsl:for-each>
      </div>
    </xsl:if>
    <xsl:if test="$listed">
      <div style="margin-bottom:12px;font-size:14px">Daftar penerima (lampiran):
        <xsl:for-each select="$main"><br/><xsl:value-of select="concat(position(), '. Yth. ', l:name, substring(';.', 1 + number(position() = last()), 1))"/></xsl:for-each>
      </div>
    </xsl:if>
    <xsl:if test="l:enclosures/l:enclosure">
      <div style="margin-bottom:12px;font-size:14px">Berkas lampiran:
        <xsl:for-each select="l:enclosures/l:enclosure">
          <br/><xsl:value-of select="concat(position(), '. ', @name, ' (')"/>
          <xsl:call-template name="size"/>)</xsl:for-each>
      </div>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
